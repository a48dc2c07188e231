import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp, softmax

from har_core.evaluation import calibration, metrics
from har_core.evaluation.metrics import Answers

RNG = np.random.default_rng(0)


def answers(probabilities, truth, threshold=0.5):
    return Answers(probabilities, truth, probabilities.max(axis=1) >= threshold, np.zeros(len(truth)))


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


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_temperature_undoes_over_and_underconfidence(scale):
    logits = RNG.normal(0, 2, (4000, 5))
    truth = np.array([RNG.choice(5, p=row) for row in softmax(logits, axis=1)])
    assert calibration.fit_temperature(logits * scale, truth) == pytest.approx(scale, rel=0.15)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, width=16), st.booleans()), min_size=1), st.floats(0.1, 1))
def test_the_threshold_keeps_its_promise_on_the_photos_it_was_chosen_on(found, precision):
    confidence = np.array([item[0] for item in found])
    right = np.array([item[1] for item in found])
    threshold = calibration.fit_threshold(confidence, right, precision)
    sure = right[confidence >= threshold]
    assert threshold == 1 or sure.mean() >= precision


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100, width=16), min_size=1))
def test_nine_of_ten_held_out_photos_are_familiar(energy):
    energy = np.array(energy)
    assert (energy >= calibration.fit_energy(energy)).mean() >= 0.9 - 1 / len(energy)


def test_even_a_model_that_is_mostly_right_has_a_bar():
    truth = RNG.integers(0, 10, 1000)
    logits = 6 * np.eye(10)[truth] + RNG.normal(0, 1.5, (1000, 10))
    logits[:40] += RNG.normal(0, 4, (40, 10))
    probabilities = softmax(logits, axis=1)
    assert (probabilities.argmax(axis=1) == truth).mean() > 0.95
    bars = calibration.fit_thresholds(logits, truth, temperature=1.0, precision=0.9)
    familiar = logsumexp(logits, axis=1) >= bars.energy
    assert familiar.mean() == pytest.approx(0.9, abs=0.01)
    lowest = probabilities.max(axis=1)[familiar].min()
    assert lowest < bars.confidence == 0.5, "nearly all familiar ones are right, but none below a half is sure"
    strict = calibration.fit_thresholds(logits, truth, temperature=1.0, precision=0.999)
    sure = familiar & (probabilities.max(axis=1) >= strict.confidence)
    assert (probabilities.argmax(axis=1) == truth)[sure].mean() >= 0.999
    assert strict.confidence > bars.confidence


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
