"""Photos, in whichever form they are at hand, on their way into a request."""

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

Photo = str | os.PathLike[str] | bytes | IO[bytes]
"""A path, a file's content, or an open file."""

_MOST_PHOTOS, _MOST_BYTES = 16, 32_000_000


def payload(photo: Photo) -> bytes:
    """A photo's file content.

    Raises:
        OSError: The file cannot be read.
    """
    if isinstance(photo, bytes):
        return photo
    if isinstance(photo, str | os.PathLike):
        return Path(photo).read_bytes()
    return photo.read()


def groups(photos: Iterable[Photo]) -> Iterator[list[bytes]]:
    """Photos in groups that fit into one request each; no more than one group is in memory."""
    group: list[bytes] = []
    for content in map(payload, photos):
        if group and (len(group) == _MOST_PHOTOS or sum(map(len, group)) + len(content) > _MOST_BYTES):
            yield group
            group = []
        group.append(content)
    if group:
        yield group


@contextmanager
def archive(photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Iterator[IO[bytes]]:
    """A zip of photos, open.

    Args:
        photos: The path of a zip, of a folder, whose files are taken with those of its folders, or of each photo.

    Raises:
        OSError: A file cannot be read.
    """
    if isinstance(photos, str | os.PathLike) and not Path(photos).is_dir():
        with Path(photos).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", strict_timestamps=False) as packed:
            for path, name in _named(photos):
                packed.write(path, name)
        yield file


def _named(photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Iterator[tuple[Path, str]]:
    """Paths with the names that the rows are to have."""
    if isinstance(photos, str | os.PathLike):
        folder = Path(photos)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, path.relative_to(folder).as_posix()
    else:
        for path in map(Path, photos):
            yield path, "/".join(part for part in path.parts if part not in (path.anchor, ".."))
