import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_core.datasets import label_issues


def clouds(sizes, spread=1.5, dimensions=64, seed=0):
    """Normal clouds around one centre a label: embeddings and codes."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.standard_normal((len(sizes), dimensions))
    return (centres[codes] + spread * rng.standard_normal((len(codes), dimensions))).astype(np.float32), codes


def flipped(codes, share=0.05, seed=0):
    """The codes with some changed, and which rows were."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(codes), round(share * len(codes)), replace=False)
    changed, labels = codes.copy(), codes.max() + 1
    changed[rows] = (codes[rows] + rng.integers(1, labels, len(rows))) % labels
    return changed, rows


def named(codes):
    return [f"label {code}" for code in codes]


@pytest.mark.parametrize("share", [0.05, 0.1])
@pytest.mark.parametrize("sizes", [[300] * 2, [300] * 5, [20] * 40, [600, 200, 50]])
def test_planted_errors_are_found_with_their_right_labels(sizes, share):
    embeddings, codes = clouds(sizes)
    planted, rows = flipped(codes, share)
    found = label_issues.find(embeddings, named(planted))
    hit = found["row"].isin(rows)
    assert hit.sum() / len(rows) >= 0.75
    assert hit.mean() >= 0.85
    assert (found["suggested"][hit] == np.array(named(codes))[found["row"][hit]]).mean() >= 0.9
    assert (found["label"] == np.array(named(planted))[found["row"]]).all()
    assert found["score"].is_monotonic_decreasing
    assert found["score"].between(label_issues.MIN_SCORE, 1).all()


def test_right_labels_are_left_alone():
    embeddings, codes = clouds([200] * 5)
    assert len(label_issues.find(embeddings, named(codes))) <= 0.005 * len(codes)


def test_embeddings_that_say_nothing_accuse_nobody():
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((600, 64)).astype(np.float32)
    labels = named(np.repeat([0, 1, 2], [400, 150, 50]))
    assert label_issues.find(embeddings, labels).empty


def test_the_same_seed_finds_the_same():
    embeddings, codes = clouds([60] * 4)
    planted, _ = flipped(codes)
    pd.testing.assert_frame_equal(
        label_issues.find(embeddings, named(planted), seed=3), label_issues.find(embeddings, named(planted), seed=3)
    )


def test_photos_without_a_label_or_an_embedding_are_left_out_and_rows_still_fit():
    embeddings, codes = clouds([100] * 4)
    planted, rows = flipped(codes)
    labels = pd.Series(named(planted), dtype="string")
    expected = set(label_issues.find(embeddings, labels)["row"]) & set(rows)
    gaps = np.zeros((50, embeddings.shape[1]), np.float32)
    many = np.concatenate([gaps, embeddings, embeddings[:50]])
    given = pd.concat([pd.Series(["label 0"] * 50), labels, pd.Series([pd.NA] * 50)])
    found = label_issues.find(many, given)
    assert found["row"].between(50, 449).all()
    assert len(expected & set(found["row"] - 50)) >= 0.9 * len(expected)


def test_errors_are_found_in_more_photos_than_the_sample_holds(monkeypatch):
    embeddings, codes = clouds([300] * 5)
    planted, rows = flipped(codes)
    monkeypatch.setattr(label_issues, "_SAMPLE", 400)
    found = label_issues.find(embeddings, named(planted))
    assert found["row"].isin(rows).sum() / len(rows) >= 0.9


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.one_of(st.none(), st.sampled_from("abcde")), max_size=30),
    dimensions=st.integers(1, 8),
    seed=st.integers(0, 3),
)
def test_any_few_labels_give_rows_that_make_sense(labels, dimensions, seed):
    rng = np.random.default_rng(seed)
    embeddings = rng.choice([0, 0.5, 3], (len(labels), dimensions)).astype(np.float32)
    found = label_issues.find(embeddings, labels)
    assert list(found.columns) == ["row", "label", "suggested", "score"]
    assert found["row"].is_unique
    for row, label, suggested, score in found.itertuples(index=False):
        assert labels[row] == label != suggested
        assert suggested in labels
        assert label_issues.MIN_SCORE <= score <= 1
    if len({label for label in labels if labels.count(label) > 1} - {None}) < 2:
        assert found.empty
