"""A CSV file that names photos and their labels."""

from pathlib import Path

import pandas as pd

from har_core.datasets.manifest import SPLITS
from har_core.datasets.sources.candidates import Candidate, Source, inside
from har_core.errors import SourceUnusable

_PATH_COLUMNS = ("path", "filename", "file", "image")
_KNOWN = {"label", "split", "group", "source"}


def read(file: Path, roots: dict[str, Path] | None = None) -> Source:
    """Lists the photos that a CSV names.

    Columns: ``path`` (or ``filename``, ``file``, ``image``) and ``label``; ``source``, ``group`` and ``split`` where
    there are such. Others are passed over. An empty label means unlabelled.

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
    for row in records(table):
        name = row.get("source") or file.parent.name
        _add(source, row[path_column], roots.get(name, file.parent), name, row)
    if not source.candidates:
        raise SourceUnusable(f"{file.name} names no photo that can be used. {_first_reason(source)}")
    return source


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
