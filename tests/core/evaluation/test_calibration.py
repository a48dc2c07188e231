import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp, softmax

from har_core.evaluation import calibration

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_temperature_undoes_over_and_underconfidence(scale):
    logits = RNG.normal(0, 2, (4000, 5))
    truth = np.array([RNG.choice(5, p=row) for row in softmax(logits, axis=1)])
    assert calibration.fit_temperature(logits * scale, truth) == pytest.approx(scale, rel=0.15)


def test_few_photos_that_are_all_right_do_not_make_it_certain():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(5), 2)
    logits = rng.normal(size=(10, 5))
    logits[np.arange(10), truth] = logits.max(axis=1) + 1
    probabilities = softmax(logits / calibration.fit_temperature(logits, truth), axis=1)
    assert 0.6 < probabilities.max(axis=1).mean() < 0.97


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
