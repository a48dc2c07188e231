import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from har_core.errors import DatasetError
from har_core.evaluation import comparison, metrics
from har_core.evaluation.comparison import compare
from har_core.evaluation.judging import Part
from har_core.evaluation.metrics import Answers
from tests.core.evaluation.conftest import judged, photos_of, random_answers

LABELS = ["red", "green", "blue"]


def said(truth, found, labels=3, confidence=0.8) -> Answers:
    probabilities = np.full((len(truth), labels), (1 - confidence) / (labels - 1))
    probabilities[np.arange(len(truth)), found] = confidence
    return Answers(probabilities, np.array(truth), np.ones(len(truth), bool), np.zeros(len(truth)))


def test_photos_gained_and_lost_are_named_and_tested():
    truth = np.zeros(20, int)
    a = judged(said(truth, [1] * 8 + [0] * 12), name="a")
    b = judged(said(truth, [0] * 18 + [2] * 2, confidence=0.9), name="b")
    found = compare(a, b)
    assert (found.n, found.model_a, found.model_b, found.labels) == (20, "a@1", "b@1", LABELS)
    assert (found.a["accuracy"].value, found.b["accuracy"].value) == (0.6, 0.9)
    assert found.difference["accuracy"].value == pytest.approx(0.3)
    assert found.difference["accuracy"].low > 0
    assert found.gained.index.tolist() == list(range(8))
    assert found.lost.index.tolist() == [18, 19]
    row = found.lost.iloc[0]
    assert (row["label"], row["found_a"], row["found_b"], row["path"]) == ("red", "red", "blue", "/nowhere/18.jpg")
    assert (row["confidence_a"], row["confidence_b"]) == (0.8, 0.9)
    # Of ten photos that only one is right about, at most two: 2 (1 + 10 + 45) / 1024.
    assert found.p_value == pytest.approx(0.109375)
    assert found.notes == []


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemars_p_is_that_of_a_fair_coin(gained, lost):
    total, fewer = gained + lost, min(gained, lost)
    assert comparison.mcnemar(gained, lost) == pytest.approx(min(1, 2 * binom.cdf(fewer, total, 0.5)))


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_who_comes_first_changes_the_sign_alone(seed):
    a = judged(random_answers(60, 3, seed), name="a")
    better = random_answers(60, 3, seed, skill=3)
    b = judged(better, name="b")
    there, back = compare(a, b), compare(b, a)
    for name, metric in there.difference.items():
        mirrored = back.difference[name]
        turned = (-mirrored.value, -mirrored.high, -mirrored.low)
        assert (metric.value, metric.low, metric.high) == pytest.approx(turned, abs=2e-4)  # Each is rounded.
        assert metric.value == pytest.approx(metrics.values(better)[name] - metrics.values(a.answers)[name], abs=2e-4)
    assert there.p_value == back.p_value
    assert there.gained.index.sort_values().equals(back.lost.index.sort_values())


def test_a_model_does_not_differ_from_itself():
    a = judged(random_answers(50, 3))
    found = compare(a, a)
    assert {(metric.value, metric.low, metric.high) for metric in found.difference.values()} == {(0, 0, 0)}
    assert (found.p_value, len(found.gained), len(found.lost)) == (1, 0, 0)


def test_only_photos_that_both_can_be_judged_by_count():
    a_truth = np.array([0, 0, 1, 1, 2])
    a = judged(said(a_truth, a_truth), name="a", photos=photos_of(a_truth, LABELS, rows=[0, 1, 2, 3, 4]))
    # Knows no blue, but yellow; has seen photo 1, and could not read photo 3.
    labels = ["yellow", "green", "red"]
    b_truth = np.array([2, 1])
    seen = Part(photos_of(np.array([2]), labels, rows=[1]), said([2], [2]))
    b = judged(
        said(b_truth, [0, 1]),
        labels,
        "b",
        photos=photos_of(b_truth, labels, rows=[0, 2]),
        leaked=seen,
        leaks_known=False,
    )
    found = compare(a, b)
    assert (found.n, found.labels) == (2, ["red", "green"])
    assert found.lost.index.tolist() == [0]
    assert found.lost["found_b"].tolist() == ["yellow"]
    assert (found.a["macro_f1"].value, found.b["macro_f1"].value) == (1, 0.5), "over red and green alone"
    assert found.notes == [
        "Photos left out, since b@1 does not know their labels (blue): 1.",
        "Photos left out, since b@1 has seen them: 1.",
        "Photos left out, since there is no answer of b@1 for them: 1.",
        "b@1 carries no list of what it has seen: it may know some of the photos.",
    ]


def test_what_cannot_be_compared_is_refused_in_words():
    a = judged(random_answers(10, 3), name="a")
    for change in ({"dataset": "another"}, {"split": None}, {"fingerprint": "1" * 64}):
        with pytest.raises(DatasetError, match="a@1 and b@1 were judged on different photos"):
            compare(a, judged(random_answers(10, 3), name="b", **change))
    elsewhere = photos_of(a.answers.truth, LABELS, rows=range(100, 110))
    with pytest.raises(DatasetError, match="no photo in some that both a@1 and b@1 can be judged by"):
        compare(a, judged(a.answers, name="b", photos=elsewhere))
