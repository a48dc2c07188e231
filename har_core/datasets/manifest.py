"""A dataset's manifest: one row a photo.

Columns: ``path`` (absolute), ``label``, ``source`` and ``group`` (photos that show the same scene share it).
"""

import hashlib
from pathlib import Path

import pandas as pd

from har_core.errors import DatasetError


def read_csv(file: Path, roots: dict[str, Path] | None = None) -> pd.DataFrame:
    """Reads a CSV with the columns ``path`` and ``label``, and perhaps ``source`` and ``group``.

    Args:
        file: The CSV; paths in it are relative to its folder.
        roots: Source → folder that the paths of that source are relative to instead.

    Returns:
        The manifest, in the file's order.

    Raises:
        DatasetError: A column or an image is missing.
    """
    frame = pd.read_csv(file, dtype=str)
    missing = {"path", "label"} - set(frame.columns)
    if missing:
        raise DatasetError(f"{file.name} lacks the column {', '.join(sorted(missing))}.")
    if "source" not in frame:
        frame["source"] = file.parent.name
    if "group" not in frame:
        frame["group"] = frame["path"]
    folders = frame["source"].map(lambda source: (roots or {}).get(source, file.parent))
    frame["path"] = [str(Path(folder, path)) for folder, path in zip(folders, frame["path"], strict=True)]
    absent = next((path for path in frame["path"] if not Path(path).is_file()), None)
    if absent:
        raise DatasetError(f"{file.name} names an image that is not there: {absent}")
    return frame[["path", "label", "source", "group"]]


def fingerprint(manifest: pd.DataFrame) -> str:
    """SHA-256 over the photos' bytes, labels and splits, whatever their order and place."""
    digest = hashlib.sha256()
    rows = zip(manifest["path"], manifest["label"], manifest["split"], strict=True)
    for line in sorted(f"{hashlib.sha256(Path(p).read_bytes()).hexdigest()} {label} {s}" for p, label, s in rows):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
