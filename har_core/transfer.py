"""Bundles as zip files, out and in.

A zip holds one folder ``NAME@VERSION`` with a bundle's files and nothing else. One that comes in may be from anyone: see
``unpack_zip`` for what is asked of it.
"""

import io
import json
import re
import stat
import subprocess  # nosec B404
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import INFO, Bundle
from har_core.config import PROJECT_ROOT, settings
from har_core.errors import BundleBroken, HarError, ImportRefused, ModelError
from har_core.files import write_beside
from har_core.predictor import Predictor

_MB = 1_000_000
# File → the most bytes that it may unpack to.
_LARGEST = {
    INFO: 5 * _MB,
    bundles.TFLITE: 1000 * _MB,
    bundles.KERAS: 2000 * _MB,
    bundles.GOLDEN: 20 * _MB,
    bundles.CARD: 5 * _MB,
    bundles.CALIBRATION: 5 * _MB,
    bundles.TRAINED_ON: 500 * _MB,
}
_NEEDED = (INFO, bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD)


def pack(bundle: Bundle, path: Path) -> None:
    """Writes a bundle as a zip file.

    Args:
        bundle: The model; its files are verified.
        path: Where to; what is there is replaced.

    Raises:
        BundleBroken: A file was changed since the bundle was written.
        OSError: The zip cannot be written.
    """

    def write(beside: Path) -> None:
        # The weights hardly get smaller.
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as file:
            file.write(bundle.folder / INFO, f"{bundle.reference}/{INFO}")
            for name in bundle.info.sha256:
                file.writestr(f"{bundle.reference}/{name}", bundle.read(name))

    write_beside(path, write)


def unpack_zip(path: Path) -> Bundle:
    """Takes in a bundle from a zip file.

    Nothing of it is seen by anyone until all of this holds: it has one folder ``NAME@VERSION``, with a bundle's files
    and no others, none of them a link or larger than such a file can be; the description is one of this format and of
    that name; every file has its SHA-256; the Keras file holds layers and weights, and neither code nor pickles; the
    network gives the golden answers, which is tried in a process of its own.

    Args:
        path: The zip file.

    Returns:
        The bundle under ``HAR_HOME/models``, under its version where that is free, else under the next one.

    Raises:
        ImportRefused: Something of that does not hold; or it is here already.
    """
    raise NotImplementedError
