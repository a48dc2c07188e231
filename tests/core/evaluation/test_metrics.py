"""Figures against scikit-learn's, and their intervals against a bootstrap done one resample at a time."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)

from har_core.evaluation import metrics
from har_core.evaluation.metrics import Answers
from tests.core.evaluation.conftest import random_answers

RNG = np.random.default_rng(0)


def answers(probabilities, truth, threshold=0.5):
    return Answers(probabilities, truth, probabilities.max(axis=1) >= threshold, np.zeros(len(truth)))


@st.composite
def any_answers(draw):
    """Of 1–60 photos and 2–7 labels, not all of which need occur; probabilities are even 0 now and then."""
    n, labels = draw(st.integers(1, 60)), draw(st.integers(2, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    probabilities = rng.dirichlet(np.full(labels, draw(st.sampled_from([0.01, 0.3, 3]))), n)
    return answers(probabilities, rng.integers(0, draw(st.integers(1, labels)), n), draw(st.floats(0, 1)))


@settings(deadline=None)
@given(any_answers())
def test_figures_are_scikit_learns(some):
    labels = np.arange(some.probabilities.shape[1])
    found, pair = metrics.values(some), (some.truth, some.found)
    best = np.argsort(-some.probabilities, axis=1, kind="stable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "accuracy": accuracy_score(*pair),
            "balanced_accuracy": balanced_accuracy_score(*pair),
            "macro_f1": f1_score(*pair, labels=labels, average="macro", zero_division=0),
            "weighted_f1": f1_score(*pair, labels=labels, average="weighted", zero_division=0),
            "log_loss": log_loss(some.truth, some.probabilities, labels=labels),
            "brier": brier_score_loss(some.truth, some.probabilities, labels=labels, scale_by_half=False),
            # Scikit-learn puts the last of equals first.
            "top3_accuracy": np.mean([truth in row[:3] for truth, row in zip(some.truth, best, strict=True)]),
        }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(any_answers())
def test_ece_is_the_mean_gap_of_its_bins(some):
    bins = np.minimum((some.confidence * 15).astype(int), 14)
    gaps = [abs((some.right[bins == one] - some.confidence[bins == one]).sum()) for one in np.unique(bins)]
    assert metrics.values(some)["ece"] == pytest.approx(sum(gaps) / len(some))


@settings(deadline=None, max_examples=15)
@given(any_answers())
def test_every_figure_lies_in_its_interval_and_within_its_bounds(some):
    for name, metric in metrics.figures(some).items():
        assert 0 <= metric.low <= metric.high, name
        assert metric.high <= {"log_loss": np.inf, "brier": 2}.get(name, 1)
        assert metric.value >= metric.low or name in ("macro_f1", "balanced_accuracy", "sure_accuracy", "ece")


def test_intervals_are_those_of_a_bootstrap_done_one_resample_at_a_time():
    some = random_answers(40, 4)
    draws = np.random.default_rng(0).integers(0, 40, (1000, 40))
    rows = [metrics.values(some.take(draw)) for draw in draws]
    value = metrics.values(some)
    for name, metric in metrics.figures(some).items():
        low, high = np.percentile([row[name] for row in rows], [2.5, 97.5])
        if low == high:  # All 13 sure answers are right.
            assert (name, metric.high) == ("sure_accuracy", 1)
            continue
        assert metric.value == pytest.approx(value[name], abs=1e-4)
        assert metric.low == pytest.approx(max(0, 2 * value[name] - high), abs=1e-4), name
        assert metric.high == pytest.approx(
            min({"log_loss": 9, "brier": 2}.get(name, 1), 2 * value[name] - low), abs=1e-4
        )


def test_a_model_s_bundle_carries_the_headline_figures():
    some = random_answers(40, 4)
    found = metrics.figures(some)
    assert metrics.headline(some) == {name: found[name] for name in metrics.HEADLINE}
    assert set(found) == set(metrics.FIGURES)


def test_two_models_are_resampled_alike():
    some, other = random_answers(50, 4), random_answers(50, 6, seed=1)
    (alone,), (first, second) = metrics.resampled([some]), metrics.resampled([some, other])
    for name in metrics.FIGURES:
        np.testing.assert_allclose(alone[name], first[name])
    np.testing.assert_allclose(metrics.resampled([other])[0]["macro_f1"], second["macro_f1"])


def test_of_equally_probable_labels_the_first_counts_as_better():
    some = answers(np.full((4, 5), 0.2), np.array([0, 2, 3, 4]))
    found = metrics.values(some)
    assert (found["accuracy"], found["top3_accuracy"]) == (0.25, 0.5)


def test_perfect_and_useless_answers_have_the_figures_expected():
    truth = np.repeat([0, 1, 2], 20)
    perfect = answers(np.eye(3)[truth], truth)
    assert {name: metric.value for name, metric in metrics.headline(perfect).items()} == {
        "accuracy": 1,
        "macro_f1": 1,
        "ece": 0,
        "sure_share": 1,
        "sure_accuracy": 1,
    }
    wrong = answers(np.eye(3)[(truth + 1) % 3], truth)
    found = metrics.values(wrong)
    assert (found["accuracy"], found["ece"], found["sure_accuracy"]) == (0, 1, 0)


def test_only_sure_answers_count_for_the_accuracy_among_them():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.4, 0.6]])
    some = answers(probabilities, np.array([0, 1, 1, 0]), threshold=0.7)
    found = metrics.values(some)
    assert (found["accuracy"], found["sure_share"], found["sure_accuracy"]) == (0.5, 0.5, 1)
    nothing = answers(probabilities, np.array([0, 1, 1, 0]), threshold=0.95)
    found = metrics.values(nothing)
    assert (found["sure_share"], found["sure_accuracy"]) == (0, 1)


def test_ece_is_the_gap_between_confidence_and_accuracy():
    probabilities = np.tile([0.8, 0.2], (100, 1))
    truth = np.array([0] * 60 + [1] * 40)
    assert metrics.values(answers(probabilities, truth))["ece"] == pytest.approx(0.2)


def test_the_interval_holds_the_value_and_narrows_with_more_photos():
    def width(n):
        truth = np.arange(n) % 2
        found = np.eye(2)[np.where(np.arange(n) % 5 == 0, 1 - truth, truth)]
        metric = metrics.figures(answers(found, truth))["accuracy"]
        assert metric.low <= metric.value <= metric.high
        return metric.high - metric.low

    assert width(1000) < width(50) / 2


def test_the_interval_of_the_calibration_error_of_a_calibrated_predictor_reaches_down_to_nothing():
    confidence = RNG.uniform(0.5, 1, 300)
    truth = (RNG.uniform(0, 1, 300) > confidence).astype(int)
    metric = metrics.figures(answers(np.stack([confidence, 1 - confidence], axis=1), truth))["ece"]
    assert metric.low < 0.02
    assert metric.low <= metric.value


def test_the_area_under_the_curve_is_one_for_scores_apart_and_a_half_for_blind_ones():
    low, high = RNG.uniform(0, 1, 80), RNG.uniform(2, 3, 50)
    assert metrics.auroc(high, low).value == 1
    assert metrics.auroc(low, high).value == 0
    blind = metrics.auroc(RNG.uniform(0, 1, 500), RNG.uniform(0, 1, 500))
    assert blind.low < 0.5 < blind.high
    assert metrics.auroc(high[:1], low[:1]).value == 1, "two photos are enough"


def test_a_share_has_an_interval():
    metric = metrics.share(np.arange(100) < 80)
    assert metric.low < metric.value == 0.8 < metric.high


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40))
def test_the_area_under_the_curve_is_scikit_learns(seed, familiar, strange):
    rng = np.random.default_rng(seed)
    high, low = (rng.normal(shift, 1, n).round(1) for shift, n in ((1, familiar), (0, strange)))
    expected = roc_auc_score([1] * familiar + [0] * strange, np.concatenate([high, low]))
    assert metrics.auroc(high, low).value == pytest.approx(expected, abs=1e-4)


def test_the_interval_of_few_photos_is_wilsons():
    assert metrics.wilson(8, 10) == pytest.approx((0.490, 0.943), abs=1e-3)  # Wilson 1927, by hand
    assert metrics.wilson(0, 5)[0] == 0
    assert np.isnan(metrics.wilson(0, 0)).all()


def test_answers_that_are_all_alike_are_no_certainty():
    truth = np.arange(10) % 2
    found = metrics.figures(answers(np.eye(2)[truth], truth))
    for name in ("accuracy", "sure_accuracy", "sure_share"):
        assert (found[name].value, found[name].low, found[name].high) == (1, pytest.approx(0.722, abs=1e-3), 1), name
    assert metrics.share(np.zeros(10, bool)).high == pytest.approx(0.278, abs=1e-3)
    nobody_sure = metrics.figures(answers(np.full((10, 2), 0.5), truth, threshold=0.9))["sure_accuracy"]
    assert (nobody_sure.low, nobody_sure.high) == (0, 1)
