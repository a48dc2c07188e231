"""What a visitor asks for → what ``har`` is called with. Draws nothing, starts nothing.

Every text from a form is checked here and becomes one argument that cannot be taken for an option: names are checked,
paths are made absolute.
"""

import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from har_core.config import settings
from har_core.datasets import ingest, store
from har_core.errors import SourceUnusable

REFERENCE_NAME = "kaggle-har"


@dataclass(frozen=True)
class Command:
    """A call of ``har``.

    Attributes:
        title: What it does, for people.
        dataset: The dataset that it makes or works on.
    """

    title: str
    arguments: tuple[str, ...]
    dataset: str


def check(name: str) -> Command:
    """Checks a dataset; this also computes its embeddings where they are missing."""
    return Command(f"Checking {name}", ("data", "check", name), name)


def split(name: str, val: float, test: float, seed: int) -> Command:
    """Splits a dataset; the shares are 0–1."""
    shares = (f"--val={val:g}", f"--test={test:g}", f"--seed={seed}")
    return Command(f"Splitting {name}", ("data", "split", name, *shares), name)


def import_folder(path: str, name: str) -> Command:
    """Imports class folders, or a zip of them.

    Raises:
        DatasetError: The name cannot be given to a new dataset.
        SourceUnusable: The path is none.
    """
    return _import("folder", name, [_existing(path)])


def import_csv(file: str, roots: str, name: str) -> Command:
    """Imports what a CSV file names.

    Args:
        file: The CSV's path.
        roots: ``SOURCE=DIR``, one a line; may be empty.
        name: Of the new dataset.

    Raises:
        DatasetError: The name cannot be given to a new dataset.
        SourceUnusable: A path is none, or a line has no =.
    """
    return _import("csv", name, [_existing(file), *map(_root, filter(str.strip, roots.splitlines()))])


def import_kaggle_har(path: str, name: str) -> Command:
    """Imports the reference set: downloads it, unless a path is given.

    Raises:
        DatasetError: The name cannot be given to a new dataset.
        SourceUnusable: The path is none.
    """
    return _import("kaggle-har", name, [_existing(path)] if path.strip() else [])


def import_feedback(name: str) -> Command:
    """Makes a dataset of what people said of answers and a reviewer accepted.

    Raises:
        DatasetError: The name cannot be given to a new dataset.
    """
    return _import("feedback", name, [])


def append_feedback(name: str) -> Command:
    """Adds to a dataset what people said of answers and a reviewer accepted.

    Raises:
        DatasetNotFound: There is no such dataset.
    """
    store.load(name)
    return Command(f"Adding to {name}", ("data", "append", name, "--from=feedback", "--json"), name)


def import_upload(upload: BinaryIO | None, name: str) -> Command:
    """Keeps an uploaded zip of class folders, and imports it. Earlier uploads are thrown away.

    Raises:
        DatasetError: The name cannot be given to a new dataset.
        SourceUnusable: Nothing was uploaded, or it cannot be kept.
    """
    if upload is None:
        raise SourceUnusable("Choose a zip file first.")
    ingest.require_free(name)
    folder = settings().home / "uploads"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for earlier in folder.iterdir():
            earlier.unlink()
        path = folder / f"{name}-{secrets.token_hex(4)}.zip"
        with path.open("xb") as file:
            shutil.copyfileobj(upload, file)
    except OSError as error:
        raise SourceUnusable(f"The upload cannot be kept: {error.strerror}.") from error
    return _import("folder", name, [str(path)])


def _import(source: str, name: str, arguments: Iterable[str]) -> Command:
    ingest.require_free(name)
    return Command(f"Importing {name}", ("data", "import", source, *arguments, f"--name={name}"), name)


def _root(line: str) -> str:
    source, equals, path = line.strip().partition("=")
    if not equals or not source.strip():
        raise SourceUnusable(f"“{line.strip()}” is not of the form SOURCE=FOLDER.")
    return f"--root={source.strip()}={_existing(path)}"


def _existing(text: str) -> str:
    """An absolute path, of what is there."""
    if not text.strip():
        raise SourceUnusable("A path is needed.")
    try:
        path = Path(text.strip()).expanduser().absolute()
        if path.exists():
            return str(path)
    except (OSError, ValueError, RuntimeError):  # Too long, with a zero byte, of no known user.
        pass
    raise SourceUnusable(f"There is nothing at {text.strip()[:200]} on the machine that runs this app.")
