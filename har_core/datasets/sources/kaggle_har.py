"""The reference set: Kaggle's *Human Action Recognition (HAR)*, downloaded or from a folder in its layout.

``train/Image_N.jpg`` with ``Training_set.csv`` (``filename,label``); ``test/Image_N.jpg`` with ``Testing_set.csv``
(``filename``). File names repeat between the two. The test images have no labels: they are kept as unlabelled.
"""

from pathlib import Path

from har_core.datasets.sources import table
from har_core.datasets.sources.candidates import Candidate, Source, inside
from har_core.errors import SourceUnusable

HANDLE = "meetnagadia/human-action-recognition-har-dataset"
_TRAIN_TABLE = "Training_set.csv"
_TEST_TABLE = "Testing_set.csv"
_DEPTH = 3


def download() -> Path:
    """Downloads the set with kagglehub, which resumes a download that was cut off and verifies what came.

    Returns:
        The folder it lies in, in kagglehub's own cache.

    Raises:
        SourceUnusable: It cannot be downloaded.
    """
    import kagglehub  # noqa: PLC0415 - only needed here, and slow to import
    from kagglehub.exceptions import (  # noqa: PLC0415
        BackendError,
        CredentialError,
        DataCorruptionError,
        KaggleApiHTTPError,
    )
    from requests.exceptions import RequestException  # noqa: PLC0415

    try:
        return Path(kagglehub.dataset_download(HANDLE))
    except (RequestException, KaggleApiHTTPError, BackendError, CredentialError, DataCorruptionError, OSError) as error:
        raise SourceUnusable(
            f"Kaggle's set cannot be downloaded ({type(error).__name__}). Is this machine online? What came so far is "
            f"kept, so try again; or download https://www.kaggle.com/datasets/{HANDLE} by hand and import that file."
        ) from error


def read(root: Path) -> Source:
    """Lists the photos of a folder in the set's layout.

    Args:
        root: The folder with ``Training_set.csv``, or one up to three levels above it.

    Raises:
        SourceUnusable: The layout is another.
    """
    home = _home(root)
    source = Source("kaggle-har", str(root.resolve()))
    labelled = table.read_table(home / _TRAIN_TABLE)
    if not {"filename", "label"} <= set(labelled.columns):
        raise SourceUnusable(f"{_TRAIN_TABLE} needs the columns filename and label.")
    for row in table.records(labelled):
        _add(source, home / "train", row["filename"], row["label"] or None)
    for name in _test_names(home):
        _add(source, home / "test", name, None)
    if not source.candidates:
        raise SourceUnusable(f"{_TRAIN_TABLE} names no photo.")
    return source


def _home(root: Path) -> Path:
    if not root.is_dir():
        raise SourceUnusable(f"There is no folder {root}.")
    for depth in range(_DEPTH + 1):
        found = sorted(root.glob("/".join(["*"] * depth + [_TRAIN_TABLE])))
        if found:
            return found[0].parent
    raise SourceUnusable(f"There is no {_TRAIN_TABLE} in {root}, nor up to three folders below it.")


def _test_names(home: Path) -> list[str]:
    if (home / _TEST_TABLE).is_file():
        names = table.read_table(home / _TEST_TABLE)
        if "filename" in names:
            return list(names["filename"])
    return sorted(path.name for path in (home / "test").glob("*") if path.is_file())


def _add(source: Source, folder: Path, name: str, label: str | None) -> None:
    path = folder / name
    if not name or not inside(folder, path):
        source.skip(name or "(empty)", "outside_root", "The name leads out of its folder.")
    else:
        source.candidates.append(Candidate(path, label, f"kaggle-har/{folder.name}"))
