"""Photos and zips of them for the tests of bulk work."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def photo(number: int, size: int = 40) -> bytes:
    """A picture of one colour, another for each number."""
    colour = [40 + 53 * number % 200, 40 + 101 * number % 200, 40 + 151 * number % 200]
    buffer = io.BytesIO()
    Image.fromarray(np.full((size, size, 3), colour, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]], path: Path | None = None) -> bytes:
    """A zip's bytes; also written to a file where one is named."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, payload in entries:
            file.writestr(name, payload)
    if path:
        path.write_bytes(buffer.getvalue())
    return buffer.getvalue()
