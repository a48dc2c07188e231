"""What tells folders apart that several hosts may share, or have each for itself."""

import secrets
from pathlib import Path

from har_core.files import locked, write_beside

NAME = ".identity"
"""The file that holds it."""


def of(folder: Path) -> str:
    """A random name, made once and kept in the folder: all hosts that share it read the same one.

    So a record in a database, or an entry in a queue, can say to which folder it belongs. It moves with the folder; a
    copy that goes its own way has to lose its ``.identity``.

    Raises:
        OSError: The folder cannot be written or read.
    """
    path = folder / NAME
    if not known(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f"{NAME}.lock"):
            if not known(folder):
                # What bears the name may reach the disk before it.
                write_beside(path, secrets.token_hex(8), durable=True)
    return path.read_text("utf-8")


def known(folder: Path) -> str:
    """The same, without making one: empty where there is none yet, or none was left by a power failure."""
    try:
        return (folder / NAME).read_text("utf-8")
    except FileNotFoundError:
        return ""
