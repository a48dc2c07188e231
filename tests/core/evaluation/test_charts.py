"""The figures of a report: what can be read off them, and that labels never become mark-up."""

import numpy as np
import pandas as pd
import pytest

from har_core import palette
from har_core.bundle import Metric
from har_core.evaluation import charts, curves
from har_core.evaluation.curves import Operating
from tests.core.evaluation.conftest import random_answers

LABELS = ["eating", "using_laptop", "running", "sitting"]
COUNTS = np.array([[5, 0, 0, 1], [0, 5, 0, 0], [0, 3, 1, 0], [0, 0, 0, 0]])
MARKUP = '<a href="https://elsewhere.example">%{x}</a>'


def cells(figure):
    """Row → column → text, of a confusion matrix."""
    bar = figure.data[0]
    return {(cell[2], cell[3]): text for cell, text in zip(bar.customdata, bar.text, strict=True)}


def test_labels_that_are_taken_for_each_other_come_first_side_by_side():
    assert charts.order_by_confusion(COUNTS) == [1, 2, 0, 3]
    assert charts.order_by_confusion(np.eye(3, dtype=int)) == [0, 1, 2]


def test_a_confusion_matrix_draws_cells_that_hold_photos():
    figure = charts.confusion_matrix(COUNTS, LABELS, normalised=False)
    assert cells(figure) == {
        ("eating", "eating"): "5",
        ("eating", "sitting"): "1",
        ("using laptop", "using laptop"): "5",
        ("running", "using laptop"): "3",
        ("running", "running"): "1",
    }
    assert list(figure.layout.yaxis.ticktext) == ["eating", "using laptop", "running", "sitting"]


def test_shares_are_of_all_photos_of_a_label_though_only_some_labels_are_shown():
    figure = charts.confusion_matrix(COUNTS, LABELS, normalised=True, order=[2, 0])
    assert cells(figure) == {("running", "running"): "25%", ("eating", "eating"): "83%"}


def test_a_cell_lies_at_its_row_and_column_and_knows_its_labels():
    figure = charts.confusion_matrix(COUNTS, LABELS, normalised=False, order=[2, 1], chosen=(2, 1))
    bar = figure.data[0]
    place = [tuple(cell[:2]) for cell in bar.customdata].index((2, 1))
    assert (bar.y[place], bar.base[place]) == (0, 0.5)
    frame = figure.layout.shapes[0]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (0.5, 1.5, -0.5, 0.5)


def test_a_cell_that_is_not_shown_is_not_marked():
    assert not charts.confusion_matrix(COUNTS, LABELS, False, order=[0, 1], chosen=(2, 1)).layout.shapes


def test_of_a_hundred_labels_the_matrix_names_rows_alone_and_writes_no_numbers():
    names = [f"label {number}" for number in range(100)]
    figure = charts.confusion_matrix(np.eye(100, dtype=int), names, normalised=False)
    assert figure.data[0].text is None
    assert len(figure.layout.yaxis.ticktext) == 100
    assert figure.layout.xaxis.showticklabels is False


def test_a_model_that_was_asked_nothing_has_an_empty_matrix():
    assert len(charts.confusion_matrix(np.zeros((2, 2), int), ["a", "b"], normalised=True).data[0].y) == 0


def test_labels_never_become_markup_in_any_figure():
    table = pd.DataFrame(
        {"kind": ["source"], "name": [MARKUP], "n": [3], "accuracy": [0.5], "low": [0.1], "high": [0.9]}
    )
    curve = curves.precision_recall(random_answers(30, 3), 0)
    for figure in (
        charts.confusion_matrix(np.ones((2, 2), int), [MARKUP, "b"], normalised=False),
        charts.precision_recall({MARKUP: curve}, [MARKUP]),
        charts.slices(table, 0.5),
    ):
        text = figure.to_json()
        assert "<a " not in text
        assert "\\u003ca " not in text
        assert "lt;a href" in text


def test_precision_has_no_spike_where_nothing_is_found():
    curve = curves.precision_recall(random_answers(40, 3), 0)
    line = charts.precision_recall({"a": curve}, ["a"]).data[0]
    assert curve["precision"].iloc[-1] == 1
    assert line.y[-1] == line.y[-2]


def test_empty_bins_are_left_out_of_the_reliability_diagram():
    table = curves.reliability(random_answers(60, 3, skill=5))
    line = charts.reliability(table).data[1]
    assert 0 < len(line.x) == int((table["n"] > 0).sum()) < len(table)
    assert not np.isnan(line.y).any()


def test_a_threshold_is_marked_where_it_lies():
    answers = random_answers(200, 3)
    now, own = (curves.operating_point(answers, threshold, None) for threshold in (0.5, 0.7))
    figure = charts.risk_coverage(curves.risk_coverage(answers, None), now, own)
    marks = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data[1:]}
    assert marks == {
        "the model's own bar: 70%": (own.coverage, pytest.approx(1 - own.accuracy)),
        "chosen: 50%": (now.coverage, pytest.approx(1 - now.accuracy)),
    }


def test_where_no_answer_is_sure_no_threshold_is_marked():
    none = Operating(1.0, 0, 0, 0, 3, 4)
    figure = charts.risk_coverage(pd.DataFrame({"threshold": [], "coverage": [], "risk": []}), none, none)
    assert len(figure.data) == 1


def test_answers_add_up_to_a_whole_bar():
    bars = charts.outcomes(Operating(0.5, 6, 5, 1, 2, 2)).data
    assert [bar.x[0] for bar in bars] == [0.5, 0.1, 0.2, 0.2]
    assert [bar.name.rpartition(": ")[2] for bar in bars] == ["50%", "10%", "20%", "20%"]


def test_slices_stand_below_their_kinds_name():
    table = pd.DataFrame(
        {
            "kind": ["size", "size", "source"],
            "name": ["1–2", "3–4", "web"],
            "n": [5, 5, 9],
            "accuracy": [0.5, 0.6, 0.7],
            "low": [0.2, 0.3, 0.4],
            "high": [0.8, 0.9, 1.0],
        }
    )
    axis = charts.slices(table, 0.6).layout.yaxis
    assert list(axis.ticktext) == ["<b>Size</b>", "1–2", "3–4", "<b>Source</b>", "web"]


def test_a_difference_that_may_be_chance_is_grey():
    figure = charts.differences(
        {"ece": Metric(value=0.1, low=-0.1, high=0.3), "accuracy": Metric(value=0.2, low=0.1, high=0.3)}
    )
    points = [trace for trace in figure.data if trace.mode == "markers"]
    assert {point.y[0]: point.marker.color for point in points} == {
        "Accuracy": palette.RIGHT,
        "Calibration error": palette.NEUTRAL,
    }
