"""A model's answers for the photos of a dataset: asked once, kept in Parquet.

One file under ``HAR_HOME/cache/answers`` for each model and ``images_fingerprint``; it may be deleted at any time. A
row is a photo that was asked about. Labels, splits and fixes are not kept: they may change, and nothing is asked again.
"""

import functools
import hashlib
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from har_core import bundle as bundles
from har_core import images
from har_core.bundle import Bundle
from har_core.config import settings
from har_core.datasets.arrays import alone_with, writing
from har_core.datasets.store import Dataset
from har_core.errors import HarError, PhotoChanged
from har_core.evaluation import leaks
from har_core.files import write_beside
from har_core.images import RGBImage
from har_core.predictor import Predictor
from har_core.progress import Progress, silent

_CHUNK = 128
# A file is written anew each time: with more in it, there is more between two writings.
_LEAST_BETWEEN, _SHARE_BETWEEN = 512, 0.1


@dataclass(frozen=True)
class Answer:
    """What a model says of one photo; the fields are those of ``metrics.Answers``."""

    probabilities: npt.NDArray[np.float32]
    sure: bool
    energy: float


def ask(predictor: Predictor, image: RGBImage) -> Answer:
    """Asks a model about one photo, as those who use it do."""
    found = predictor.predict(image)
    return Answer(found.probabilities, found.decision == "sure", found.energy)


def file_of(bundle: Bundle, dataset: Dataset) -> Path:
    """Where a model's answers for a dataset's photos are kept."""
    info = bundle.info
    # What an answer depends on; the rest of a bundle may change.
    files = [info.sha256[bundles.TFLITE], info.sha256.get(bundles.TRAINED_ON)]
    facts = [*files, info.labels, info.temperature, info.thresholds.model_dump()]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
    folder = settings().home / "cache" / "answers"
    return folder / f"{dataset.info.images_fingerprint[:16]}-{bundle.reference}-{digest}.parquet"


def read(bundle: Bundle, dataset: Dataset) -> pd.DataFrame:
    """What is kept of a model's answers.

    Args:
        bundle: The model.
        dataset: Whose photos.

    Returns:
        By row of ``Dataset.base``, ascending: ``id``, ``seen`` (as in ``leaks.seen``), ``sure``, ``energy``, ``error``
        (why there is no answer; missing where there is one), and the labels' probabilities, float32, in columns ``p0``,
        ``p1``, … Empty where nothing is kept, or what is kept is damaged.
    """
    columns = _columns(bundle)
    try:
        frame = pd.read_parquet(io.BytesIO(file_of(bundle, dataset).read_bytes()), page_checksum_verification=True)
        frame = frame.astype(columns)[list(columns)]
        ids = dataset.base()["id"].reindex(frame.index)
        return frame[(frame["id"] == ids).fillna(False).astype(bool)]
    except (OSError, ValueError, KeyError, TypeError):
        return _empty(columns)


def fill(predictor: Predictor, dataset: Dataset, photos: pd.DataFrame, progress: Progress = silent) -> pd.DataFrame:
    """Asks a model about those photos that it was not asked about before, and keeps what it says.

    Photos that could not be read are tried again. Work that is interrupted goes on where it stopped.

    Args:
        predictor: The model.
        dataset: The dataset.
        photos: Rows of its manifest.
        progress: Told at the beginning and after each photo; an exception from it interrupts the work.

    Returns:
        What is kept of these photos, in their order; as ``read`` gives it.

    Raises:
        DatasetError: The disk is full or may not be written to.
        BundleBroken: The list of what the model has seen is damaged.
    """
    file = file_of(predictor.bundle, dataset)
    with alone_with(file):
        frame = read(predictor.bundle, dataset)
        good = frame.index[frame["error"].isna()]
        todo = photos[~photos.index.isin(good)]
        told = functools.partial(_told, progress, len(photos) - len(todo), len(photos))
        told(0)
        if len(todo):
            frame = _ask_all(predictor, todo, frame.loc[good], file, told)
    return frame.loc[photos.index]


def _ask_all(
    predictor: Predictor, todo: pd.DataFrame, frame: pd.DataFrame, file: Path, told: Callable[[int], None]
) -> pd.DataFrame:
    columns = _columns(predictor.bundle)
    found: dict[int, dict[str, object]] = {}

    def keep() -> pd.DataFrame:
        added = pd.DataFrame.from_dict(found, orient="index", columns=list(columns)).astype(columns)
        whole = pd.concat([frame, added]).sort_index()
        with writing(file):
            write_beside(file, lambda beside: whole.to_parquet(beside, write_page_checksum=True))
        found.clear()
        return whole

    def one(photo: tuple[str, str, bool]) -> dict[str, object]:
        path, identity, is_seen = photo
        known = {"id": identity, "seen": is_seen}
        try:
            return {**known, **_as_row(ask(predictor, _decoded(Path(path), identity, predictor.input_size)))}
        except HarError as error:
            return {**known, "error": str(error)}

    is_seen = leaks.seen(predictor.bundle, todo)
    listed = list(zip(todo.index, zip(todo["path"], todo["id"], is_seen, strict=True), strict=True))
    done = 0
    try:
        with ThreadPoolExecutor(predictor.threads) as pool:
            for start in range(0, len(listed), _CHUNK):
                rows, chunk = zip(*listed[start : start + _CHUNK], strict=True)
                for row, answer in zip(rows, pool.map(one, chunk), strict=True):
                    found[row] = answer
                    done += 1
                    told(done)
                if len(found) > max(_LEAST_BETWEEN, _SHARE_BETWEEN * len(frame)):
                    frame = keep()
    finally:
        if found:
            frame = keep()
    return frame


def _told(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total, "asking the model")


def _decoded(path: Path, identity: str, size: int) -> RGBImage:
    """The photo that was imported, not what lies in its place now.

    Raises:
        HarError: It cannot be read or decoded, or was changed.
    """
    payload = images.read(path)
    if hashlib.sha256(payload).hexdigest() != identity:
        raise PhotoChanged("The file was changed since it was imported: it is another photo than the one labelled.")
    return images.decode(payload, min_side=size)


def _as_row(answer: Answer) -> dict[str, object]:
    probabilities = {f"p{place}": value for place, value in enumerate(answer.probabilities)}
    return {"sure": answer.sure, "energy": answer.energy, **probabilities}


def _columns(bundle: Bundle) -> dict[str, str]:
    probabilities = dict.fromkeys((f"p{place}" for place in range(len(bundle.info.labels))), "float32")
    return {"id": "string", "seen": "bool", "sure": "boolean", "energy": "float32", "error": "string", **probabilities}


def _empty(columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns), index=pd.Index([], dtype="int64")).astype(columns)
