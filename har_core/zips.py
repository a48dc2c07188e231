"""What is asked of every zip, since it may come from anyone."""

import re
import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

# zipfile raises RuntimeErrors for a compression that it lacks and for a password, ValueErrors for names that are not in
# the encoding that they claim, and OverflowErrors for places that no file has.
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, ValueError, OverflowError)
"""What zipfile raises on broken files."""

_DRIVE = re.compile(r"[A-Za-z]:")


def leads_out(name: str) -> bool:
    """Whether an entry's name would lead out of the folder that it is unpacked to."""
    path = name.replace("\\", "/")
    return path.startswith("/") or ".." in PurePosixPath(path).parts or bool(_DRIVE.match(path))


def is_plain(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a file, and no link or device; many programs do not say."""
    return stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)


def is_read(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is compressed in a way that is read here."""
    return entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
