"""A CSV file that names photos and their labels: read, and written for others who have the same photos."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pandas as pd

from har_core import images
from har_core.datasets.manifest import SPLITS, included
from har_core.datasets.sources.candidates import Candidate, Source, inside
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError, HarError, SourceUnusable
from har_core.files import write_beside

_PATH_COLUMNS = ("path", "filename", "file", "image")
_KNOWN = {"label", "split", "group", "source", "sha256"}


def read(file: Path, roots: dict[str, Path] | None = None) -> Source:
    """Lists the photos that a CSV names.

    Columns: ``path`` (or ``filename``, ``file``, ``image``) and ``label``; ``source``, ``group``, ``split`` and
    ``sha256`` where there are such. Others are passed over. An empty label means unlabelled. Where a SHA-256 is given,
    it decides: people sort the same photos into other folders, so one that does not lie at its path is looked for
    below the same root.

    Args:
        file: The CSV, UTF-8, with or without a byte order mark.
        roots: Source → folder that the paths of that source are relative to; otherwise that is the CSV's folder.

    Raises:
        SourceUnusable: The file cannot be read as CSV, or lacks a column.
    """
    table = read_table(file)
    path_column = next((name for name in _PATH_COLUMNS if name in table), None)
    if path_column is None or "label" not in table:
        raise SourceUnusable(
            f"{file.name} needs the columns path (or {', '.join(_PATH_COLUMNS[1:])}) and label; "
            f"it has {', '.join(table.columns) or 'none'}."
        )
    roots = roots or {}
    source = Source("csv", str(file.resolve()))
    for name in sorted(set(table.columns) - _KNOWN - {path_column}):
        source.skip(file.name, "unknown_column", f"The column {name} is not used.")
    by_content = cache(_by_content)
    for row in records(table):
        name = row.get("source") or file.parent.name
        root, text, wanted = roots.get(name, file.parent), row[path_column], row.get("sha256", "").lower()
        if wanted and _digest(root / text) != wanted:
            found = by_content(root).get(wanted)
            if found is None:
                source.skip(text, "not_found", "No photo below its root folder has this content.")
                continue
            text = found
        _add(source, text, root, name, row)
    if not source.candidates:
        raise SourceUnusable(f"{file.name} names no photo that can be used. {_first_reason(source)}")
    return source


def write(dataset: Dataset, file: Path) -> int:
    """Writes a dataset's list of photos as ``read`` reads it, fixes applied and without the photos they exclude.

    Args:
        dataset: The dataset.
        file: The CSV; paths in it are relative to the folder that all photos have in common.

    Returns:
        How many photos it names.

    Raises:
        DatasetError: The file cannot be written, or there is no photo to name.
    """
    photos = included(dataset.manifest())
    if photos.empty:
        raise DatasetError(f"All photos of {dataset.name} are excluded: there is nothing to list.")
    root = os.path.commonpath([Path(path).parent for path in photos["path"]])
    table = pd.DataFrame(
        {
            "path": [os.path.relpath(path, root) for path in photos["path"]],
            "label": photos["label"],
            "source": photos["source"],
            # A photo that shares its scene with no other is a group of its own, named by its content.
            "group": photos["group"].mask(photos["group"] == photos["id"]),
            "split": photos["split"],
            "sha256": photos["id"],
        }
    )
    try:
        write_beside(file, lambda beside: table.to_csv(beside, index=False, lineterminator="\n"))
    except OSError as error:
        raise DatasetError(f"{file} cannot be written: {error.strerror}.") from error
    return len(table)


def read_table(file: Path) -> pd.DataFrame:
    """Reads a CSV as text, with empty cells as empty text.

    Raises:
        SourceUnusable: It cannot be read as CSV.
    """
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise SourceUnusable(f"{file.name} cannot be read as a CSV file: {str(error).splitlines()[0]}") from error
    return table.rename(columns=lambda name: str(name).strip().lower()).apply(lambda column: column.str.strip())


def records(table: pd.DataFrame) -> list[dict[str, str]]:
    """The rows, as column → text."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def _by_content(root: Path) -> dict[str, str]:
    """SHA-256 → path below the root, of all image files there that can be read."""
    paths = list(images.find(root))
    with ThreadPoolExecutor() as pool:
        digests = pool.map(_digest, paths)
        return {digest: str(path.relative_to(root)) for path, digest in zip(paths, digests, strict=True) if digest}


def _digest(path: Path) -> str | None:
    """SHA-256 of a file's bytes; None where they cannot be read, or are too many for a photo."""
    try:
        return hashlib.sha256(images.read(path)).hexdigest()
    except HarError:
        return None


def _add(source: Source, text: str, root: Path, name: str, row: dict[str, str]) -> None:
    path = root / text
    split = row.get("split") or None
    if not text:
        source.skip("(empty)", "no_path", "The row names no file.")
    elif Path(text).is_absolute() or "\0" in text:
        source.skip(text, "unsafe_path", "Absolute paths are not accepted; name a root folder instead.")
    elif not inside(root, path):
        source.skip(text, "outside_root", "The path leads out of its root folder.")
    elif split and split not in SPLITS:
        source.skip(text, "unknown_split", f"The split {split} is none of {', '.join(SPLITS)}.")
    else:
        source.candidates.append(Candidate(path, row["label"] or None, name, split, row.get("group") or None))


def _first_reason(source: Source) -> str:
    reasons = [item for item in source.skipped if item.code != "unknown_column"]
    return f"The first: {reasons[0].path}: {reasons[0].message}" if reasons else "It has no rows."
