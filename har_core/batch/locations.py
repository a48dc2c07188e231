"""Files on this machine and in object stores, by path or by URI."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from har_core import images
from har_core.config import settings
from har_core.errors import FileUnreadable

_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
ERRORS = (OSError, pa.ArrowException, ImportError, ValueError)


class Entry(NamedTuple):
    """Something in a folder.

    Attributes:
        name: Within the folder.
        is_folder: Also a link to one.
        is_link: Links to folders are not followed by ``**``, since they may lead round in circles.
    """

    name: str
    is_folder: bool
    is_link: bool


def is_uri(text: str) -> bool:
    """Whether a text begins like ``s3://``."""
    return bool(_URI.match(text))


def absolute(base: str, path: str) -> str:
    """Where a path leads from a folder.

    Args:
        base: The folder: an absolute path, or a URI.
        path: A URI, an absolute path, or one that begins at the folder.

    Returns:
        A URI, or an absolute path; ``file://`` becomes the latter.
    """
    if path.startswith("file://"):
        return "/" + unquote(path.removeprefix("file://").partition("/")[2])
    return path if is_uri(path) or path.startswith("/") else f"{base.rstrip('/')}/{path}"


def read(location: str) -> bytes:
    """Reads a photo's bytes, but no more of them than the settings accept.

    Args:
        location: As ``absolute`` gives it.

    Raises:
        FileUnreadable: It is missing, no file, or may not be read.
        ImageTooLarge: It is larger than the limit.
    """
    if not is_uri(location):
        return images.read(Path(location))
    try:
        system, path = filesystem(location)
        # Arrow would unpack what ends with .gz.
        with system.open_input_stream(path, compression=None) as stream:
            payload: bytes = stream.read(settings().max_image_bytes + 1)
    except FileNotFoundError:
        raise FileUnreadable("There is no such file.") from None
    except ERRORS as error:
        raise FileUnreadable(f"The file cannot be read: {reason(error)}.") from error
    images.check_bytes(len(payload))
    return payload


def entries(folder: str) -> list[Entry]:
    """What is in a folder, by name.

    Args:
        folder: As ``absolute`` gives it.

    Raises:
        OSError: It cannot be listed. What a file system raises beside that is in ``ERRORS``.
    """
    if is_uri(folder):
        system, path = filesystem(folder)
        infos = system.get_file_info(fs.FileSelector(path))
        return sorted(Entry(info.base_name, info.type == fs.FileType.Directory, False) for info in infos)
    with os.scandir(folder) as found:
        kinds = ((entry, _kind(entry)) for entry in found)
        return sorted(Entry(entry.name, kind == "folder", entry.is_symlink()) for entry, kind in kinds if kind)


def _kind(entry: "os.DirEntry[str]") -> Literal["folder", "file", None]:
    """None: neither, or a link in a circle, or one to where nobody may look."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else None
    except OSError:
        return None


def filesystem(location: str) -> tuple[Any, str]:
    """The file system of a location, and the path in it.

    Args:
        location: As ``absolute`` gives it. All that comes after a URI's host is the path, also a ``?``; the environment
            says how the file system is reached.

    Raises:
        OSError: There is no such file system. What it raises beside that is in ``ERRORS``.
    """
    if not is_uri(location):
        return fs.LocalFileSystem(), location
    scheme, _, rest = location.partition("://")
    host, _, key = rest.partition("/")
    # Only the beginning goes through Arrow's parser: keys hold spaces and other things that it refuses.
    system, root = _opened(f"{scheme}://{host}")
    return system, f"{root.rstrip('/')}/{key}"


def reason(error: BaseException) -> str:
    """What went wrong, in a line that ends without a full stop."""
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")


@lru_cache(maxsize=64)
def _opened(uri: str) -> tuple[Any, str]:
    return fs.FileSystem.from_uri(uri)
