"""What lies behind the figures, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score

from har_core.evaluation import curves, metrics
from har_core.evaluation.metrics import Answers
from tests.core.evaluation.conftest import random_answers

TRUTH = np.array([0, 0, 0, 1, 1, 2])
FOUND = np.array([0, 1, 1, 1, 0, 2])
CONFIDENCE = np.array([0.9, 0.8, 0.6, 0.6, 0.5, 0.4])


@pytest.fixture
def few() -> Answers:
    """Six photos, three of which are taken for something else."""
    probabilities = np.repeat(((1 - CONFIDENCE) / 2)[:, None], 3, axis=1)
    probabilities[np.arange(6), FOUND] = CONFIDENCE
    return Answers(probabilities, TRUTH, CONFIDENCE >= 0.6, np.array([5.0, 5, 1, 5, 5, 5]))


def test_confusions_are_counted_by_label_and_answer(few):
    assert curves.confusion(few).tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 1]]
    assert curves.confused_pairs(few).to_dict("records") == [
        {"truth": 0, "found": 1, "count": 2, "share": pytest.approx(2 / 3)},
        {"truth": 1, "found": 0, "count": 1, "share": 0.5},
    ]


def test_a_label_that_never_occurs_is_counted_too():
    some = Answers(np.array([[0.7, 0.2, 0.1]]), np.array([1]), np.array([True]), np.zeros(1))
    assert curves.confusion(some).shape == (3, 3)
    table = curves.per_label(some, ["a", "b", "c"]).set_index("label")
    assert table["photos"].tolist() == [0, 1, 0]
    assert np.isnan(table.loc["c", ["precision", "recall", "auroc", "average_precision"]].astype(float)).all()
    assert np.isnan(table.loc["b", "auroc"]), "no photo of another label"
    assert (table.loc["b", "recall"], table.loc["a", "precision"]) == (0, 0)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 80), st.integers(2, 6), st.integers(1, 3))
def test_labels_figures_are_scikit_learns(seed, n, labels, digits):
    some = random_answers(n, labels, seed)
    # Rounded, so that many photos have the same probability.
    some = Answers(some.probabilities.round(digits), some.truth, some.sure, some.energy)
    names = [str(label) for label in range(labels)]
    table = curves.per_label(some, names)
    for label, row in enumerate(table.itertuples()):
        own = some.truth == label
        if not own.any() or own.all():
            continue
        assert row.auroc == pytest.approx(roc_auc_score(own, some.probabilities[:, label]))
        assert row.average_precision == pytest.approx(average_precision_score(own, some.probabilities[:, label]))
        assert row.recall == pytest.approx(recall_score(own, some.found == label))
        if (some.found == label).any():
            assert row.precision == pytest.approx(precision_score(own, some.found == label))


def test_precision_and_recall_of_a_label_by_threshold():
    some = random_answers(200, 3)
    table = curves.precision_recall(some, 1)
    assert (np.diff(table["recall"]) <= 0).all()
    row = table.iloc[len(table) // 2]
    given_it, own = some.probabilities[:, 1] >= row.threshold, some.truth == 1
    assert row.precision == pytest.approx((given_it & own).sum() / given_it.sum())
    assert row.recall == pytest.approx((given_it & own).sum() / own.sum())
    assert np.isnan(table["threshold"].iloc[-1])


def test_bins_say_how_often_answers_of_a_confidence_are_right(few):
    table = curves.reliability(few, bins=5)
    assert table["n"].tolist() == [0, 0, 2, 2, 2]  # 0.6 / 0.2 is a little less than 3
    assert table["accuracy"].tolist()[2:] == [0.5, 0.5, 0.5]
    assert table["confidence"].tolist()[2:] == pytest.approx([0.45, 0.6, 0.85])
    assert np.isnan(table.loc[0, ["confidence", "accuracy", "accuracy_low", "accuracy_high"]].astype(float)).all()
    filled = table[table["n"] > 0]
    assert ((filled["accuracy_low"] < filled["accuracy"]) & (filled["accuracy"] < filled["accuracy_high"])).all()


def test_the_bins_gaps_add_up_to_the_calibration_error():
    some = random_answers(300, 4)
    table = curves.reliability(some).dropna()
    gap = ((table["accuracy"] - table["confidence"]).abs() * table["n"]).sum() / 300
    assert gap == pytest.approx(metrics.values(some)["ece"], abs=1e-6)


def test_strange_photos_are_never_sure(few):
    table = curves.risk_coverage(few, energy_bar=3.0)
    assert table["threshold"].tolist() == [0.9, 0.8, 0.6, 0.5, 0.4]
    assert table["coverage"].tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    assert table["risk"].tolist() == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4, 2 / 5])
    everything = curves.risk_coverage(few, None)
    assert everything["threshold"].tolist() == [0.9, 0.8, 0.6, 0.5, 0.4], "equal confidences are sure together"
    assert everything["coverage"].iloc[-1] == 1
    assert curves.risk_coverage(few, 100.0).empty


@pytest.mark.parametrize("energy_bar", [None, 4.5])
def test_each_point_of_the_curve_is_an_operating_point(energy_bar):
    some = random_answers(3000, 4)
    table = curves.risk_coverage(some, energy_bar)
    assert len(table) <= 1000
    for row in table.iloc[::100].itertuples():
        point = curves.operating_point(some, row.threshold, energy_bar)
        assert (point.coverage, 1 - point.accuracy) == pytest.approx((row.coverage, row.risk))


def test_an_operating_point_counts_every_photo_once(few):
    point = curves.operating_point(few, 0.6, 3.0)
    assert (point.sure, point.sure_right, point.sure_wrong) == (3, 2, 1)
    assert (point.unsure_right, point.unsure_wrong) == (1, 2)
    assert (point.coverage, point.accuracy) == (0.5, pytest.approx(2 / 3))
    assert np.isnan(curves.operating_point(few, 1.0, None).accuracy)


def test_mistakes_come_most_confident_first(few):
    assert curves.mistakes(few).tolist() == [1, 2, 4]
