"""Datasets on disk: ``HAR_HOME/datasets/NAME`` holds a manifest, a description and a list of fixes.

What was imported never changes. Fixes (exclude, relabel, same group, keep) are recorded beside it and can be undone;
the effective manifest is the imported one with the fixes applied. Photos can be added at the end. The description says
how many rows count, and is replaced last: whoever opened the dataset before goes on seeing it whole, as it was, and an
addition that was interrupted has never happened.
"""

import hashlib
import io
import re
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, TypeAdapter, ValidationError

from har_core.config import settings
from har_core.datasets import manifest as manifests
from har_core.errors import DatasetBroken, DatasetError, DatasetNotFound
from har_core.files import locked, write_beside

MANIFEST = "manifest.parquet"
SKIPPED = "skipped.parquet"
INFO = "dataset.json"
_FIXES = "fixes.json"
_SPLIT = "split.parquet"
_LOCK = ".lock"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

Action = Literal["exclude", "relabel", "same_group", "keep"]


class DatasetInfo(BaseModel):
    """Content of ``dataset.json``.

    Attributes:
        kind: Which importer made it.
        origin: What it was imported from.
        images: Number of photos; rows of the manifest beyond it do not count.
        skipped: Number of entries that could not be imported; see ``Dataset.skipped``.
        images_fingerprint: SHA-256 over the photos' identities in order: the key of what is cached for them.
    """

    name: str
    created: str
    kind: str
    origin: str
    images: int
    skipped: int
    images_fingerprint: str


class Fix(BaseModel):
    """A person's decision about some photos.

    Attributes:
        id: Counts up from 1.
        label: The right label, for ``relabel``.
        undone: Whether it was taken back.
    """

    id: int
    time: str
    action: Action
    paths: list[str]
    label: str | None = None
    undone: bool = False


_FIX_LIST = TypeAdapter(list[Fix])


def root() -> Path:
    """The folder of all datasets."""
    return settings().home / "datasets"


def check_name(name: str) -> None:
    """Refuses what cannot be a dataset's name.

    Raises:
        DatasetError: It has other characters than a–z, 0–9, - and _, or is too long.
    """
    if not _NAME.fullmatch(name):
        raise DatasetError(f"“{name[:80]}” cannot be a dataset's name: use a–z, 0–9, - and _, at most 64 of them.")


def names() -> list[str]:
    """The names of all datasets, sorted."""
    if not root().is_dir():
        return []
    return sorted(path.parent.name for path in root().glob(f"*/{INFO}") if _NAME.fullmatch(path.parent.name))


def load(name: str) -> "Dataset":
    """Opens a dataset.

    Raises:
        DatasetNotFound: There is none of that name.
        DatasetBroken: Its files are damaged.
    """
    if not _NAME.fullmatch(name) or not (root() / name / INFO).is_file():
        known = ", ".join(names()) or "none"
        raise DatasetNotFound(f"There is no dataset {name[:80]}. Known datasets: {known}.")
    return Dataset(root() / name)


def remove(name: str) -> None:
    """Deletes a dataset; photos that were not copied into it stay where they are.

    Raises:
        DatasetNotFound: There is none of that name.
    """
    folder = load(name).folder
    grave = folder.with_name(f".removed-{name}")
    shutil.rmtree(grave, ignore_errors=True)
    folder.rename(grave)
    shutil.rmtree(grave)


def images_fingerprint(base: pd.DataFrame) -> str:
    """SHA-256 over the photos' identities, in order."""
    return hashlib.sha256("\n".join(base["id"]).encode()).hexdigest()


class Dataset:
    """One dataset."""

    def __init__(self, folder: Path) -> None:
        """Reads the description.

        Raises:
            DatasetBroken: It is damaged.
        """
        self.folder = folder
        self.name = folder.name
        try:
            self.info = DatasetInfo.model_validate_json((folder / INFO).read_bytes())
        except (OSError, ValidationError) as error:
            raise DatasetBroken(f"The dataset {self.name} is damaged: {INFO} cannot be read.") from error

    def base(self) -> pd.DataFrame:
        """The manifest as imported, with the splits assigned since; see ``har_core.datasets.manifest``."""
        frame = self._read(MANIFEST).iloc[: self.info.images]
        # Photos that were copied into the dataset are kept relative to it, so that the folder can be moved.
        inside = ~frame["path"].str.startswith("/")
        frame.loc[inside, "path"] = f"{self.folder.resolve()}/" + frame.loc[inside, "path"]
        if (self.folder / _SPLIT).is_file():
            frame["split"] = self._read(_SPLIT)["split"].astype("string")
        return frame

    def manifest(self) -> pd.DataFrame:
        """The effective manifest: ``base`` with the fixes applied and the columns ``excluded``, ``kept``, ``fixed``."""
        frame = self.base()
        paths = frame["path"]
        # Gathered by path first: one look-up a column is much faster than one a fix.
        excluded, kept, fixed = set[str](), set[str](), set[str]()
        labels, groups = dict[str, str | None](), dict[str, str]()
        for fix in self.fixes():
            fixed.update(fix.paths)
            if fix.action == "exclude":
                excluded.update(fix.paths)
            elif fix.action == "same_group":
                groups |= dict.fromkeys(fix.paths, f"fix-{fix.id}")
            else:
                kept.update(fix.paths)
            if fix.action == "relabel":
                labels |= dict.fromkeys(fix.paths, fix.label)
        return frame.assign(
            label=paths.map(labels).astype("string").fillna(frame["label"]),
            group=paths.map(groups).astype("string").fillna(frame["group"]),
            excluded=paths.isin(excluded),
            kept=paths.isin(kept),
            fixed=paths.isin(fixed),
        )

    def fingerprint(self) -> str:
        """Fingerprint of the photos that are not excluded; each fix and each split changes it."""
        return manifests.fingerprint(manifests.included(self.manifest()))

    def skipped(self) -> pd.DataFrame:
        """What the import left out: ``path``, ``code``, ``message``."""
        return self._read(SKIPPED)

    def fixes(self) -> list[Fix]:
        """The fixes in force, oldest first."""
        return [fix for fix in self._all_fixes() if not fix.undone]

    def apply(self, action: Action, paths: Sequence[str], label: str | None = None) -> Fix:
        """Records a fix.

        Args:
            action: What is to be done with the photos.
            paths: The photos, as in the manifest.
            label: The right label, for ``relabel`` only.

        Raises:
            DatasetError: A photo is not of this dataset, or the label is missing.
        """
        if action == "relabel" and not (label or "").strip():
            raise DatasetError("A new label is needed.")
        unknown = sorted(set(paths) - set(self.base()["path"]))
        if unknown or not paths:
            raise DatasetError(f"The dataset {self.name} holds no photo {unknown[0] if unknown else ''}.")
        with locked(self.folder / _LOCK):
            fixes = self._all_fixes()
            now = datetime.now(UTC).isoformat(timespec="seconds")
            fix = Fix(id=len(fixes) + 1, time=now, action=action, paths=list(paths), label=label)
            self._write_fixes([*fixes, fix])
        return fix

    def undo(self, fix_id: int | None = None) -> Fix | None:
        """Takes back a fix, the newest when none is named; None when there is nothing to take back."""
        with locked(self.folder / _LOCK):
            fixes = self._all_fixes()
            for place in reversed(range(len(fixes))):
                if not fixes[place].undone and fix_id in (None, fixes[place].id):
                    fixes[place] = fixes[place].model_copy(update={"undone": True})
                    self._write_fixes(fixes)
                    return fixes[place]
        return None

    def set_split(self, split: pd.Series) -> None:
        """Assigns each photo to a split.

        Args:
            split: By row of ``base``; missing where a photo belongs to none.
        """
        frame = pd.DataFrame({"split": split.astype("string").reindex(range(self.info.images))})
        with locked(self.folder / _LOCK):
            # Photos that were added since this was opened keep theirs.
            added = Dataset(self.folder).base()[["split"]].iloc[self.info.images :]
            write_beside(self.folder / _SPLIT, pd.concat([frame, added]).to_parquet)

    def extend(self, make: Callable[[pd.DataFrame], pd.DataFrame]) -> "Dataset":
        """Adds photos at the end.

        Args:
            make: Is given the effective manifest, and gives the new rows, as in the manifest; the paths of photos that
                lie in the dataset's folder are relative to it. No split, fix or other addition comes between.

        Returns:
            The dataset with them.

        Raises:
            DatasetError: It cannot be written.
        """
        try:
            with locked(self.folder / _LOCK):
                now = Dataset(self.folder)
                rows = make(now.manifest())
                manifest = pd.concat([now._read(MANIFEST).iloc[: now.info.images], rows], ignore_index=True)
                write_beside(self.folder / MANIFEST, manifest.to_parquet)
                if (self.folder / _SPLIT).is_file():
                    split = pd.concat([now.base()[["split"]], rows[["split"]]], ignore_index=True)
                    write_beside(self.folder / _SPLIT, split.to_parquet)
                changes = {"images": len(manifest), "images_fingerprint": images_fingerprint(manifest)}
                info = now.info.model_copy(update=changes)
                write_beside(self.folder / INFO, info.model_dump_json(indent=2))
        except OSError as error:
            raise DatasetError(f"The dataset {self.name} cannot be written: {error.strerror}.") from error
        return Dataset(self.folder)

    def _read(self, name: str) -> pd.DataFrame:
        try:
            # Given a path, it would be opened twice, and another file may be in its place by then.
            return pd.read_parquet(io.BytesIO((self.folder / name).read_bytes()))
        except (OSError, ValueError) as error:
            raise DatasetBroken(f"The dataset {self.name} is damaged: {name} cannot be read.") from error

    def _all_fixes(self) -> list[Fix]:
        path = self.folder / _FIXES
        try:
            fixes = _FIX_LIST.validate_json(path.read_bytes()) if path.is_file() else []
        except ValidationError as error:
            raise DatasetBroken(f"The dataset {self.name} is damaged: {_FIXES} cannot be read.") from error
        inside = self.folder.resolve()
        return [_with_paths(fix, lambda path: str(inside / path)) for fix in fixes]

    def _write_fixes(self, fixes: list[Fix]) -> None:
        # As in the manifest: the folder can be moved.
        inside = f"{self.folder.resolve()}/"
        kept = [_with_paths(fix, lambda path: path.removeprefix(inside)) for fix in fixes]
        write_beside(self.folder / _FIXES, _FIX_LIST.dump_json(kept, indent=1))


def _with_paths(fix: Fix, change: Callable[[str], str]) -> Fix:
    return fix.model_copy(update={"paths": [change(path) for path in fix.paths]})
