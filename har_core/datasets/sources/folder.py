"""Class folders: ``cycling/1.jpg``, with or without ``train``, ``val`` and ``test`` above them."""

import os
from collections.abc import Iterator
from pathlib import Path

from har_core.datasets.sources.candidates import Candidate, Source, inside
from har_core.errors import SourceUnusable
from har_core.images import SUFFIXES

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


def read(root: Path, source_name: str | None = None) -> Source:
    """Lists the photos of a folder of class folders.

    A photo's label is the name of the folder it lies in, below the split's folder where there is one.

    Args:
        root: The folder.
        source_name: What the ``source`` column says; the folder's name when absent.

    Raises:
        SourceUnusable: It is no folder, or no photo lies in a class folder.
    """
    if not root.is_dir():
        raise SourceUnusable(f"There is no folder {root}.")
    source = Source("folder", str(root.resolve()))
    for path in _files(root):
        parts = path.relative_to(root).parts[:-1]
        split = _SPLIT_NAMES.get(parts[0].lower()) if parts else None
        classes = parts[1:] if split else parts
        if path.suffix.lower() not in SUFFIXES:
            source.skip(path, "not_an_image", "The file's ending is not that of an image.")
        elif not inside(root, path):
            source.skip(path, "outside_root", "The link leads out of the folder.")
        elif not classes:
            source.skip(path, "no_label", "The photo lies in no class folder.")
        else:
            source.candidates.append(Candidate(path, classes[0], source_name or root.name, split))
    if not source.candidates:
        raise SourceUnusable(f"No photo lies in a class folder below {root}, as in {root.name}/cycling/1.jpg.")
    return source


def _files(root: Path) -> Iterator[Path]:
    """All files in sorted order, hidden ones left out; links to folders are not followed."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder, name)
