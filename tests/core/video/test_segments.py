import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_core.video import segments
from har_core.video.segments import Samples

LABELS = ["eating", "running", "sleeping"]


def samples(indices, rate=2.0, sure=0.9, is_familiar=True) -> Samples:
    rest = (1 - sure) / 2
    rows = np.full((len(indices), 3), rest, np.float32)
    rows[range(len(indices)), indices] = sure
    times = [i / rate for i in range(len(indices))]
    return Samples(times, rows, np.full(len(indices), is_familiar), LABELS, len(indices) / rate)


def spans(found):
    return [(item.start, item.end, item.label) for item in found]


def test_a_border_lies_where_the_change_was_between_two_samples():
    found = segments.find(samples([0] * 10 + [1] * 10), 0.8)
    assert spans(found) == [(0, 4.75, "eating"), (4.75, 10, "running")]
    assert [item.confidence for item in found] == pytest.approx([0.9, 0.9])


@pytest.mark.parametrize("rate", [1, 2, 5, 10])
@pytest.mark.parametrize("strength", [0.5, 0.7, 0.99])
def test_at_any_rate_and_however_clear_the_border_is_right(rate, strength):
    half = 8 * rate
    (first, second) = segments.find(samples([0] * half + [2] * half, rate, strength), 0.8)
    assert first.end == second.start == pytest.approx(8 - 0.5 / rate)


def test_a_flicker_belongs_to_what_is_around_it():
    found = segments.find(samples([0] * 8 + [1] + [0] * 8), 0.8)
    assert spans(found) == [(0, 8.5, "eating")]
    assert found[0].confidence == pytest.approx((16 * 0.9 + 0.05) / 17)


def test_a_first_picture_that_is_wrong_makes_no_segment():
    assert [item.label for item in segments.find(samples([2] + [0] * 12), 0.8)] == ["eating"]


def test_noise_does_not_cut_a_video_into_pieces():
    random = np.random.default_rng(0)
    rows = np.array([[0.55, 0.45, 0] if random.random() < 0.5 else [0.45, 0.55, 0] for _ in range(200)], np.float32)
    noisy = Samples([i / 5 for i in range(200)], rows, np.ones(200, bool), LABELS, 40.0)
    assert len(segments.find(noisy, 0.8)) <= 2


@pytest.mark.parametrize(
    ("sure", "is_familiar", "decision"), [(0.9, True, "sure"), (0.7, True, "unsure"), (0.9, False, "unsure")]
)
def test_a_segment_is_sure_when_its_probability_is_and_it_looks_familiar(sure, is_familiar, decision):
    (found,) = segments.find(samples([1] * 10, sure=sure, is_familiar=is_familiar), 0.8)
    assert (found.label, found.decision) == ("running", decision)


def test_a_single_picture_is_a_segment():
    (found,) = segments.find(samples([1]), 0.8)
    assert (found.start, found.end, found.label) == (0, 0.5, "running")


@given(st.data())
def test_segments_follow_each_other_without_gaps_and_no_two_are_alike(data):
    number = data.draw(st.integers(1, 60))
    steps = data.draw(st.lists(st.floats(0, 3), min_size=number, max_size=number))
    seed = data.draw(st.integers(0, 1000))
    rows = np.random.default_rng(seed).dirichlet([0.3] * 3, number).astype(np.float32)
    times = (np.cumsum(steps) - steps[0]).tolist()
    end = times[-1] + 0.1
    found = segments.find(Samples(times, rows, np.ones(number, bool), LABELS, end), 0.5)
    assert found[0].start == 0
    assert found[-1].end == end
    for before, after in itertools.pairwise(found):
        assert before.end == after.start
        assert before.label != after.label
    assert len(found) == 1 or min(item.end - item.start for item in found) >= segments.SHORTEST - 1e-9
    assert all(0 <= item.confidence <= 1.00001 for item in found)
