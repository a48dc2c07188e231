import itertools

import numpy as np
import pytest

from har_core.video.smoothing import Smoother

LABELS = ["eating", "running", "sleeping"]


def one_hot(index: int) -> np.ndarray:
    return np.eye(len(LABELS), dtype=np.float32)[index]


def run(smoother: Smoother, signal, times):
    return [smoother.update(signal(seconds), seconds) for seconds in times]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_probabilities_stay_a_distribution(seed):
    random = np.random.default_rng(seed)
    smoother = Smoother(LABELS, half_life=random.uniform(0, 3), hysteresis=random.uniform(0, 0.5))
    clock = 1e6
    for _ in range(200):
        clock += random.choice([0.0, 1e-9, 0.04, 1.0, 1e5, -1.0])
        found = smoother.update(random.dirichlet([0.2] * 3).astype(np.float32), clock)
        assert found.probabilities.dtype == np.float32
        assert (found.probabilities >= 0).all()
        assert found.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert found.label == LABELS[found.index]
        assert found.confidence == found.probabilities[found.index]


def test_a_constant_input_is_approached_by_half_each_half_life():
    smoother = Smoother(LABELS, half_life=2, hysteresis=0.1)
    smoother.update(one_hot(0), 0)
    left = [smoother.update(one_hot(1), seconds).probabilities[0] for seconds in (2, 4, 6, 60)]
    assert left == pytest.approx([1 / 2, 1 / 4, 1 / 8, 0], abs=1e-6)


@pytest.mark.parametrize("rate", [5, 15, 30, 60])
@pytest.mark.parametrize("length", [0.1, 0.5, 0.9])
def test_a_lone_spike_shorter_than_the_half_life_does_not_change_the_label(rate, length):
    smoother = Smoother(LABELS, half_life=1, hysteresis=0)
    found = run(smoother, lambda t: one_hot(int(3 < t <= 3 + length)), np.arange(0, 8, 1 / rate))
    assert {item.index for item in found} == {0}


def test_what_lasts_longer_does_change_it():
    smoother = Smoother(LABELS, half_life=1, hysteresis=0.1)
    found = run(smoother, lambda t: one_hot(int(t > 3)), np.arange(0, 8, 0.1))
    changes = [i for i in range(1, len(found)) if found[i].index != found[i - 1].index]
    assert len(changes) == 1
    assert 4.0 < changes[0] * 0.1 < 4.5


def test_the_outcome_does_not_depend_on_the_frame_rate():
    def signal(seconds):
        return one_hot(int(seconds > 1) + int(seconds > 4))

    slow = run(Smoother(LABELS, 0.7, 0.1), signal, np.arange(0, 8.001, 0.5))
    fast = run(Smoother(LABELS, 0.7, 0.1), signal, np.arange(0, 8.001, 0.025))[::20]
    np.testing.assert_allclose([i.probabilities for i in slow], [i.probabilities for i in fast], atol=1e-5)
    assert [i.index for i in slow] == [i.index for i in fast]


def test_two_labels_that_lie_close_do_not_flicker():
    random = np.random.default_rng(0)

    def labels_shown(hysteresis):
        smoother = Smoother(LABELS, half_life=0.2, hysteresis=hysteresis)
        noisy = [np.array([0.5 + d, 0.5 - d, 0], np.float32) for d in random.uniform(-0.2, 0.2, 300)]
        found = [smoother.update(p, i / 15).index for i, p in enumerate(noisy)]
        return sum(a != b for a, b in itertools.pairwise(found))

    assert labels_shown(hysteresis=0) > 10
    assert labels_shown(hysteresis=0.2) == 0


def test_without_a_half_life_nothing_is_smoothed():
    smoother = Smoother(LABELS, half_life=0, hysteresis=0)
    assert [smoother.update(one_hot(i), i).index for i in (0, 1, 2)] == [0, 1, 2]


def test_a_frame_of_the_past_changes_nothing():
    smoother = Smoother(LABELS, half_life=1, hysteresis=0)
    before = smoother.update(one_hot(0), 10)
    assert smoother.update(one_hot(1), 9).probabilities.tolist() == before.probabilities.tolist()
    assert smoother.update(one_hot(1), 11).probabilities.tolist() == [0.5, 0.5, 0]


def test_after_a_reset_the_next_frame_is_the_first():
    smoother = Smoother(LABELS, half_life=10, hysteresis=0.5)
    smoother.update(one_hot(0), 100)
    smoother.reset()
    assert smoother.update(one_hot(2), 0).label == "sleeping"
