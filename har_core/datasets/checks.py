"""Looks for what makes a dataset a bad teacher: broken files, duplicates, leaks, poor photos, wrong labels."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ValidationError

from har_core.datasets import cache, duplicates, label_issues, likeness
from har_core.datasets.manifest import included
from har_core.datasets.store import Dataset
from har_core.files import write_beside
from har_core.progress import Progress, silent

_REPORT = "check.json"

# What counts as a poor photo, on the scales that the manifest explains.
DARK_BELOW = 25.0
BRIGHT_ABOVE = 235.0
BLURRED_BELOW = 15.0
SMALL_BELOW = 100
FEW_PHOTOS = 15

Group = list[str]


class LabelIssue(BaseModel):
    """A photo whose label is probably wrong.

    Attributes:
        score: How surely, 0–1.
    """

    path: str
    label: str
    suggested: str
    score: float


class Undecodable(BaseModel):
    """A file that was named but could not be read."""

    path: str
    code: str
    message: str


class NearPair(BaseModel):
    """Two photos that nearly show the same, and how many of 64 bits of their perceptual hashes differ."""

    paths: tuple[str, str]
    bits: int


class Report(BaseModel):
    """What a check found. Photos are named by path; excluded ones are left out.

    Attributes:
        fingerprint: Of the dataset as it was checked.
        near_pairs: The pairs behind ``near_duplicates``, closest first.
        cross_split: Groups of (near-)duplicates that lie in more than one split.
        conflicting: Groups of (near-)duplicates that have more than one label.
        few: Labels with few photos → how many they have.
        imbalance: Photos of the most frequent label for each one of the rarest.
        thresholds: What the findings were measured against.
    """

    fingerprint: str
    images: int
    undecodable: list[Undecodable]
    duplicates: list[Group]
    near_duplicates: list[Group]
    near_pairs: list[NearPair]
    cross_split: list[Group]
    conflicting: list[Group]
    too_dark: list[str]
    too_bright: list[str]
    blurred: list[str]
    small: list[str]
    few: dict[str, int]
    imbalance: float
    label_issues: list[LabelIssue]
    thresholds: dict[str, float]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found that makes figures wrong: unreadable files, leaks, conflicting labels."""
        return not (self.undecodable or self.cross_split or self.conflicting)


def check(dataset: Dataset, progress: Progress = silent) -> Report:
    """Checks a dataset and keeps the report beside it.

    Label issues need the photos' embeddings, which are computed and cached when they are not there yet.
    """
    embeddings = cache.embeddings(dataset, progress=progress)
    photos = included(dataset.manifest())
    progress(0, 3, "looking for duplicates")
    pairs = duplicates.near_pairs(photos)
    exact = duplicates.exact_groups(photos)
    alike = duplicates.groups_of(np.concatenate([_chain(exact), pairs]), len(photos))
    progress(1, 3, "looking for wrong labels")
    report = Report(
        fingerprint=dataset.fingerprint(),
        images=len(photos),
        undecodable=_undecodable(dataset),
        duplicates=_paths(photos, exact),
        near_duplicates=_paths(photos, duplicates.groups_of(pairs, len(photos))),
        near_pairs=_near_pairs(photos, pairs),
        cross_split=_paths(photos, [group for group in alike if _differ(photos, group, "split")]),
        conflicting=_paths(photos, [group for group in alike if _differ(photos, group, "label")]),
        label_issues=_label_issues(photos, embeddings if len(photos) == len(embeddings) else embeddings[photos.index]),
        thresholds={
            "phash_bits": duplicates.PHASH_BITS,
            "dhash_bits": duplicates.DHASH_BITS,
            "dark_below": DARK_BELOW,
            "bright_above": BRIGHT_ABOVE,
            "blurred_below": BLURRED_BELOW,
            "small_below": SMALL_BELOW,
            "few_photos": FEW_PHOTOS,
        },
        **_quality(photos),
        **_balance(photos),
    )
    # The page's map is slow to lay out, so it is made here, where one waits anyway.
    progress(2, 3, "laying out the map")
    likeness.layout(dataset)
    write_beside(dataset.folder / _REPORT, report.model_dump_json())
    progress(3, 3, "laying out the map")
    return report


def last(dataset: Dataset) -> Report | None:
    """The report of the last check; None when there is none. Its fingerprint tells whether it is up to date."""
    path = dataset.folder / _REPORT
    try:
        return Report.model_validate_json(path.read_bytes()) if path.is_file() else None
    except ValidationError:  # Written by another version: as good as none.
        return None


def _undecodable(dataset: Dataset) -> list[Undecodable]:
    ignored = {"unknown_column", "repeated", "not_an_image"}
    rows = dataset.skipped().itertuples(index=False, name=None)
    return [Undecodable(path=path, code=code, message=message) for path, code, message in rows if code not in ignored]


def _chain(groups: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Pairs that join each group."""
    pairs = [pair for group in groups for pair in pairwise(group)]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _paths(photos: pd.DataFrame, groups: Sequence[Sequence[int]]) -> list[Group]:
    paths = photos["path"].to_numpy()
    return [[str(paths[row]) for row in group] for group in groups]


def _near_pairs(photos: pd.DataFrame, pairs: npt.NDArray[np.int64]) -> list[NearPair]:
    paths, hashes = photos["path"].to_numpy(), photos["phash"].to_numpy()
    found = [
        NearPair(
            paths=(str(paths[left]), str(paths[right])),
            bits=(int(hashes[left], 16) ^ int(hashes[right], 16)).bit_count(),
        )
        for left, right in pairs
    ]
    return sorted(found, key=lambda pair: pair.bits)


def _differ(photos: pd.DataFrame, group: Sequence[int], column: str) -> bool:
    return photos[column].iloc[list(group)].nunique() > 1


def _quality(photos: pd.DataFrame) -> dict[str, list[str]]:
    short = photos[["width", "height"]].min(axis=1)
    poor = {
        "too_dark": photos["brightness"] < DARK_BELOW,
        "too_bright": photos["brightness"] > BRIGHT_ABOVE,
        "blurred": photos["sharpness"] < BLURRED_BELOW,
        "small": short < SMALL_BELOW,
    }
    return {name: list(photos.loc[rows, "path"]) for name, rows in poor.items()}


def _balance(photos: pd.DataFrame) -> dict[str, object]:
    counts = photos["label"].value_counts()
    few = {str(label): int(count) for label, count in counts.items() if count < FEW_PHOTOS}
    return {"few": few, "imbalance": float(counts.max() / counts.min()) if len(counts) else 1.0}


def _label_issues(photos: pd.DataFrame, embeddings: npt.NDArray[np.float32]) -> list[LabelIssue]:
    """Probably wrong labels, worst first; photos that a person looked at are left out."""
    found = label_issues.find(embeddings, photos["label"])
    kept, paths = photos["kept"].to_numpy(), photos["path"].to_numpy()
    return [
        LabelIssue(path=str(paths[row]), label=label, suggested=suggested, score=score)
        for row, label, suggested, score in found.itertuples(index=False, name=None)
        if not kept[row]
    ]
