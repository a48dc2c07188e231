"""Splits a dataset so that photos of one scene, and near-duplicates, land on one side."""

import numpy as np
import pandas as pd

from har_core.datasets import duplicates
from har_core.datasets.manifest import SPLITS, included
from har_core.datasets.store import Dataset
from har_core.progress import Progress, silent


def split_dataset(dataset: Dataset, val: float, test: float, seed: int = 0, progress: Progress = silent) -> pd.Series:
    """Splits a dataset's labelled photos and records the result.

    Args:
        dataset: The dataset.
        val: Share of the photos for ``val``.
        test: Share of the photos for ``test``.
        seed: The same seed, dataset and shares give the same split.
        progress: Told before and after.

    Returns:
        The split's name by row of the manifest; missing for unlabelled and excluded photos.
    """
    progress(0, 1, "looking for duplicates")
    photos = included(dataset.manifest())
    photos = photos.assign(group=duplicates.clusters(photos).astype(str))
    photos = photos[photos["label"].notna()]
    fractions = dict(zip(SPLITS, (1 - val - test, val, test), strict=True))
    assigned = split(photos, {name: share for name, share in fractions.items() if share > 0}, seed)
    dataset.set_split(assigned)
    progress(1, 1, "splitting")
    return assigned


def split(manifest: pd.DataFrame, fractions: dict[str, float], seed: int = 0) -> pd.Series:
    """Assigns each photo to a split, and each label to the splits as evenly as its groups allow.

    Groups are dealt out one after the other, those with the rarest labels first, each to the split that lacks most of
    the group's labels.

    Args:
        manifest: With the columns ``label`` and ``group``; groups are never divided.
        fractions: Split → share of the photos; the shares sum to 1.
        seed: The same seed, manifest and fractions give the same split.

    Returns:
        The split's name for each row, on the manifest's index.
    """
    if not np.isclose(sum(fractions.values()), 1):
        raise ValueError(f"the shares sum to {sum(fractions.values())}, not to 1")
    names = list(fractions)
    labels = manifest["label"].value_counts()
    counts = pd.crosstab(manifest["group"], manifest["label"])[labels.index]
    counts = counts.sample(frac=1, random_state=seed)
    table = counts.to_numpy()
    rarity = (table > 0) @ (1 / labels.to_numpy())
    target = np.outer(list(fractions.values()), labels.to_numpy())
    given = np.zeros_like(target)
    chosen: dict[str, str] = {}
    for row in np.argsort(-rarity, kind="stable"):
        lacking = ((target - given) / target * (table[row] > 0)).sum(axis=1)
        best = int(np.argmax(lacking))
        given[best] += table[row]
        chosen[str(counts.index[row])] = names[best]
    return manifest["group"].astype(str).map(chosen).rename("split")


def split_collected(dataset: Dataset, val: float, test: float) -> pd.Series:
    """Splits a dataset of few scenes, such as bursts of a webcam, and records the result.

    An action with enough scenes is split between them. One with fewer is divided by time: what came first is for
    training, what came last for testing. Its figures then flatter, as photos of one scene are alike; ``divided`` names
    such labels.

    Args:
        dataset: The dataset; its rows are in the order of time.
        val: Share of each label's photos for ``val``.
        test: Share of each label's photos for ``test``.

    Returns:
        The split's name by row of the manifest.
    """
    photos = included(dataset.manifest())
    photos = photos.assign(scene=duplicates.clusters(photos))[photos["label"].notna()]
    shares = dict(zip(SPLITS, (1 - val - test, val, test), strict=True))
    of_scenes: dict[int, str] = {}
    parts = []
    for _, rows in photos.groupby("label"):
        found = _between_scenes(rows["scene"], shares, of_scenes)
        counts = found.value_counts().reindex(SPLITS, fill_value=0)
        if any(counts[name] < share * len(rows) / 2 for name, share in shares.items()):
            found = _by_time(rows["scene"], shares)
        of_scenes |= dict(zip(rows["scene"], found, strict=True))
        parts.append(found)
    assigned = pd.concat(parts).sort_index().rename("split")
    dataset.set_split(assigned)
    return assigned


def divided(photos: pd.DataFrame) -> list[str]:
    """The labels of which photos are tested on that show scenes which were learnt from; sorted.

    Args:
        photos: A manifest's rows that are used, each with ``label`` and ``split``.
    """
    photos = photos.assign(scene=duplicates.clusters(photos))
    learnt = photos.loc[photos["split"] != "test", "scene"]
    is_seen = (photos["split"] == "test") & photos["scene"].isin(learnt)
    return sorted(photos.loc[is_seen, "label"].unique())


def _between_scenes(scenes: pd.Series, shares: dict[str, float], known: dict[int, str]) -> pd.Series:
    """Deals out whole scenes, the largest first, each to the split that lacks most; those known stay where they are."""
    counts = scenes.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    given, chosen = dict.fromkeys(shares, 0), dict[int, str]()
    for scene, count in zip(counts.index.tolist(), counts.tolist(), strict=True):
        lacking = {name: 1 - given[name] / (share * len(scenes)) for name, share in shares.items()}
        chosen[scene] = known.get(scene) or max(lacking, key=lacking.__getitem__)
        given[chosen[scene]] += count
    return scenes.map(chosen)


def _by_time(scenes: pd.Series, shares: dict[str, float]) -> pd.Series:
    """Cuts the rows, in their order, into one part a split; none is left empty."""
    count = len(scenes)
    sizes = {name: max(1, round(share * count)) for name, share in shares.items() if name != "train"}
    names = ["train"] * (count - sum(sizes.values())) + [name for name, size in sizes.items() for _ in range(size)]
    return pd.Series(names, scenes.index)
