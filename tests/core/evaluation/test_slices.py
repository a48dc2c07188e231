import numpy as np
import pytest

from har_core.evaluation import metrics
from har_core.evaluation.judging import Part
from har_core.evaluation.metrics import Answers
from har_core.evaluation.slices import slices
from tests.core.evaluation.conftest import photos_of


def part(right, **columns) -> Part:
    """Photos whose answers are right or wrong."""
    right = np.array(right)
    truth = np.zeros(len(right), int)
    answers = Answers(np.eye(2)[np.where(right, 0, 1)], truth, right, np.zeros(len(right)))
    return Part(photos_of(truth, ["a", "b"], **columns), answers)


def test_photos_are_judged_in_quarters_by_what_they_look_like():
    table = slices(part([False] * 10 + [True] * 30, sharpness=np.arange(40.0) * 10))
    assert set(table["kind"]) == {"brightness", "sharpness"}, "all have the same size and source"
    dark = table[table["kind"] == "brightness"]
    assert dark["n"].tolist() == [10] * 4
    assert dark["accuracy"].tolist() == [0, 1, 1, 1], "the darkest first"
    assert dark.iloc[0][["low", "high"]].tolist() == pytest.approx(metrics.wilson(0, 10))
    assert table.loc[table["kind"] == "sharpness", "name"].tolist() == ["0–90", "100–190", "200–290", "300–390"]


def test_the_size_is_that_of_the_shorter_side():
    width, height = np.array([100, 500, 200, 400]), np.array([300, 100, 200, 400])
    table = slices(part([True, True, False, True], width=width, height=height)).query("kind == 'size'")
    assert dict(zip(table["name"], table["n"], strict=True)) == {"100–100": 2, "200–200": 1, "400–400": 1}
    assert table["accuracy"].tolist() == [1, 0, 1]


def test_sources_are_named_the_most_frequent_first_and_rare_ones_together():
    table = slices(part([True, False, True], source=["b", "b", None])).query("kind == 'source'")
    assert dict(zip(table["name"], table["accuracy"], strict=True)) == {"b": 0.5, "unknown": 1}
    many = slices(part([True] * 41, source=["x"] * 21 + [str(number) for number in range(20)]))
    many = many[many["kind"] == "source"]
    assert (len(many), many["name"].iloc[0], many["name"].iloc[-1]) == (12, "x", "all others")
    assert many["n"].sum() == 41


def test_alike_photos_have_no_slices():
    assert slices(part([True, False], brightness=10.0)).empty
    assert slices(part([True])).empty


def test_quarters_that_look_the_same_in_writing_are_one():
    table = slices(
        part(
            [True, True, False, True, False, False, False, False],
            sharpness=[9, 9.0001, 9.0002, 9.0003, *range(20, 60, 10)],
        )
    )
    sharp = table[table["kind"] == "sharpness"]
    assert sharp[["name", "n", "accuracy"]].to_numpy().tolist()[0] == ["9–9", 4, 0.75]
    assert sharp["name"].is_unique
