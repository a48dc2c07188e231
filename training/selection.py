"""Which photos of a dataset a training uses. Needs no TensorFlow."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from har_core.datasets import duplicates
from har_core.datasets.manifest import SPLITS, fingerprint, included
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError

Indices = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Part:
    """One split: rows of the dataset ``(n,)`` and their label indices ``(n,)``."""

    rows: Indices
    truth: Indices


@dataclass(frozen=True)
class Selection:
    """What of a dataset is used.

    Attributes:
        manifest: The photos, on the rows of the dataset.
        labels: In the order of the network's outputs.
        left_out: Labels with too few photos.
        parts: By split.
        unlabelled: Rows of photos without a label, where these are wanted ``(n,)``.
    """

    manifest: pd.DataFrame
    labels: list[str]
    left_out: list[str]
    parts: dict[str, Part]
    unlabelled: Indices = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def fingerprint(self) -> str:
        """Of the labelled photos used, with their labels and splits."""
        return fingerprint(self.manifest)


def select(dataset: Dataset, min_photos: int) -> Selection:
    """Takes all photos that are labelled, assigned to a split and not excluded, of every label with enough of them.

    Args:
        dataset: The dataset.
        min_photos: Labels with fewer are left out.

    Raises:
        DatasetError: It is not split, or what remains cannot be trained on; it says what to do.
    """
    manifest = included(dataset.manifest())
    manifest = manifest[manifest["label"].notna()]
    if manifest["split"].isna().all():
        raise DatasetError(f"The dataset {dataset.name} is not split yet: `har data split {dataset.name}` does that.")
    manifest = manifest[manifest["split"].notna()]
    counts = manifest["label"].value_counts()
    labels = sorted(counts[counts >= min_photos].index)
    left_out = sorted(set(counts.index) - set(labels))
    if len(labels) < 2:
        raise DatasetError(
            f"At least two labels need {min_photos} photos each; {dataset.name} has {len(labels)} of such. Add photos, "
            "or lower the recipe's min_photos."
        )
    manifest = manifest[manifest["label"].isin(labels)]
    splits = manifest.groupby("label")["split"].nunique()
    poor = sorted(splits[splits < len(SPLITS)].index)
    if poor:
        raise DatasetError(
            f"Each label needs photos of at least three scenes, one for each split; short of that: {', '.join(poor)}. "
            "Add photos of other scenes, or split the dataset anew."
        )
    parts = {str(name): _part(rows, labels) for name, rows in manifest.groupby("split")}
    return Selection(manifest, labels, left_out, parts)


def with_unlabelled(selection: Selection, dataset: Dataset) -> Selection:
    """Adds the photos that have no label, but for those that are, or show scenes that are, measured on.

    Args:
        selection: What of the labelled photos is used, for what.
        dataset: Whose photos.
    """
    photos = dataset.manifest()
    scenes = pd.Series(duplicates.clusters(photos), photos.index)
    measured = [part.rows for name, part in selection.parts.items() if name != "train"]
    is_free = ~scenes.isin(scenes[np.concatenate(measured)]) & ~photos["split"].isin(["val", "test"]).fillna(False)
    usable = included(photos[is_free])
    return replace(selection, unlabelled=usable.index[usable["label"].isna()].to_numpy())


def _part(rows: pd.DataFrame, labels: list[str]) -> Part:
    truth = pd.Categorical(rows["label"], categories=labels).codes.astype(np.int64)
    return Part(rows.index.to_numpy(), truth)
