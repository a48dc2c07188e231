import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_core.datasets.split import split

FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}


def manifest_of(sizes: dict[str, list[int]]) -> pd.DataFrame:
    """Label → sizes of its groups."""
    rows = [
        {"label": label, "group": f"{label}-{number}"}
        for label, groups in sizes.items()
        for number, size in enumerate(groups)
        for _ in range(size)
    ]
    return pd.DataFrame(rows)


manifests = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.integers(1, 6), min_size=3, max_size=30), min_size=1
).map(manifest_of)


@settings(deadline=None)
@given(manifests, st.integers(0, 5))
def test_no_group_crosses_splits_and_no_label_is_lost(manifest, seed):
    found = split(manifest, FRACTIONS, seed)
    assert set(found) <= set(FRACTIONS)
    assert found.groupby(manifest["group"]).nunique().max() == 1
    assert found.groupby(manifest["label"]).nunique().min() == 3


@settings(deadline=None)
@given(manifests)
def test_the_same_seed_gives_the_same_split(manifest):
    assert split(manifest, FRACTIONS, 3).equals(split(manifest, FRACTIONS, 3))


def test_the_shares_are_kept_label_by_label():
    manifest = manifest_of({"many": [1] * 200, "few": [1] * 20})
    shares = split(manifest, FRACTIONS).groupby(manifest["label"]).value_counts(normalize=True)
    for label in ("many", "few"):
        assert shares[label]["train"] == pytest.approx(0.7, abs=0.06)
        assert shares[label]["test"] == pytest.approx(0.15, abs=0.06)


def test_shares_must_sum_to_one():
    with pytest.raises(ValueError, match="sum"):
        split(manifest_of({"a": [1]}), {"train": 0.7, "test": 0.1})
