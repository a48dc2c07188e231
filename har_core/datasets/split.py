"""Splits by group: photos of one scene land on one side, and each label is shared out as evenly as that allows."""

import numpy as np
import pandas as pd


def split(manifest: pd.DataFrame, fractions: dict[str, float], seed: int = 0) -> pd.Series:
    """Assigns each photo to a split.

    Groups are dealt out one after the other, those with the rarest labels first, each to the split that lacks most of
    the group's labels.

    Args:
        manifest: With the columns ``label`` and ``group``.
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
    rarity = (counts.to_numpy() > 0) @ (1 / labels.to_numpy())
    target = np.outer(list(fractions.values()), labels.to_numpy())
    given = np.zeros_like(target)
    chosen: dict[str, str] = {}
    for row in np.argsort(-rarity, kind="stable"):
        group = counts.to_numpy()[row]
        lacking = ((target - given) / target * (group > 0)).sum(axis=1)
        best = int(np.argmax(lacking))
        given[best] += group
        chosen[str(counts.index[row])] = names[best]
    return manifest["group"].astype(str).map(chosen).rename("split")
