"""A dataset as the page shows it: the effective manifest, flagged, with the last check's report; read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import streamlit as st

from har_core.datasets import checks, manifest
from har_core.datasets.checks import Report
from har_core.datasets.store import Dataset, Fix
from har_ui.datasets.findings import still_open

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Flag:
    """Something about a photo that one may want to filter by.

    Attributes:
        column: Of ``View.photos``, bool.
        title: In a word or two.
        meaning: In a sentence.
    """

    column: str
    title: str
    icon: str
    meaning: str


FLAGS = (
    Flag("label_issue", "label issue", ":material/label_off:", "The last check thinks that the label is wrong."),
    Flag("duplicate", "duplicate", ":material/content_copy:", "Another photo has the same content, or nearly."),
    Flag("too_dark", "too dark", ":material/dark_mode:", f"Mean brightness below {checks.DARK_BELOW:.0f} of 255."),
    Flag(
        "too_bright", "too bright", ":material/light_mode:", f"Mean brightness above {checks.BRIGHT_ABOVE:.0f} of 255."
    ),
    Flag("blurred", "blurred", ":material/blur_on:", f"Sharpness below {checks.BLURRED_BELOW:.0f}."),
    Flag("small", "small", ":material/photo_size_select_small:", f"Shorter side below {checks.SMALL_BELOW} pixels."),
    Flag("unlabelled", "unlabelled", ":material/question_mark:", "It has no label yet."),
    Flag("fixed", "fixed", ":material/edit:", "Somebody relabelled, kept, grouped or excluded it."),
    Flag("excluded", "excluded", ":material/block:", "It is left out of training and of all figures."),
)


@dataclass(frozen=True)
class View:
    """A dataset, read at one moment.

    Attributes:
        photos: The effective manifest, in the order of ``Dataset.base``, with a bool column for each of ``FLAGS``, and
            ``issue_score`` (0 where there is no label issue) and ``suggested`` (label).
        report: Of the last check.
        fixes: In force, oldest first.
        fingerprint: Of the dataset now.
        skipped: What the import left out.
    """

    dataset: Dataset
    photos: pd.DataFrame
    report: Report | None
    fixes: list[Fix]
    fingerprint: str
    skipped: pd.DataFrame

    @property
    def is_stale(self) -> bool:
        """Whether the dataset has changed since the last check."""
        return self.report is not None and self.report.fingerprint != self.fingerprint

    @cached_property
    def rows(self) -> dict[str, int]:
        """Path → row of ``photos``."""
        return {path: row for row, path in enumerate(self.photos["path"])}

    @cached_property
    def labels(self) -> list[str]:
        """All labels in use, sorted."""
        return sorted(self.photos["label"].dropna().unique())

    @cached_property
    def sources(self) -> list[str]:
        """All sources, sorted."""
        return sorted(self.photos["source"].unique())

    def of(self, paths: Sequence[str]) -> pd.DataFrame:
        """The rows of some photos, in the order named; what the dataset does not hold is left out."""
        return self.photos.iloc[[self.rows[path] for path in paths if path in self.rows]]


def view_of(dataset: Dataset) -> View:
    """The view of a dataset as it is now; read anew only after one of its files has changed."""
    return _view(str(dataset.folder), stamp_of(dataset.folder))


def flagged(photos: pd.DataFrame, report: Report | None) -> pd.DataFrame:
    """An effective manifest with the columns that ``View.photos`` explains."""
    short = photos[["width", "height"]].min(axis=1)
    found = still_open(report, photos) if report else None
    nearly = {path for pair in found.near_pairs for path in pair.paths} if found else set()
    issues = {issue.path: issue for issue in found.label_issues} if found else {}
    same = manifest.included(photos)["id"].duplicated(keep=False).reindex(photos.index, fill_value=False)
    return photos.assign(
        too_dark=photos["brightness"] < checks.DARK_BELOW,
        too_bright=photos["brightness"] > checks.BRIGHT_ABOVE,
        blurred=photos["sharpness"] < checks.BLURRED_BELOW,
        small=short < checks.SMALL_BELOW,
        duplicate=same | photos["path"].isin(nearly),
        unlabelled=photos["label"].isna(),
        label_issue=photos["path"].isin(issues),
        issue_score=photos["path"].map({path: issue.score for path, issue in issues.items()}).fillna(0.0).astype(float),
        suggested=photos["path"].map({path: issue.suggested for path, issue in issues.items()}).astype("string"),
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _view(folder: str, stamp: Stamp) -> View:
    del stamp  # It is here to be part of the cache's key.
    dataset = Dataset(Path(folder))
    photos = dataset.manifest()
    report = checks.last(dataset)
    fingerprint = manifest.fingerprint(manifest.included(photos))
    return View(dataset, flagged(photos, report), report, dataset.fixes(), fingerprint, dataset.skipped())


def stamp_of(folder: Path) -> Stamp:
    """Changes whenever a file of the dataset does."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in files)
