"""What is computed once for a dataset's photos and kept: decoded pixels, embeddings, a map of these, thumbnails.

All of it lies under ``HAR_HOME/cache``, named by ``images_fingerprint``, and may be deleted at any time. Rows are those
of ``Dataset.base()``. Work that is interrupted goes on where it stopped when it is asked for again. A photo that cannot
be read any more has a row of zeros, is listed by ``unreadable``, and is tried again each time the rows are asked for.
"""

import functools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from har_core import images
from har_core.config import cores, settings
from har_core.datasets.arrays import Array, writing
from har_core.embedding import BACKBONE, DIMENSIONS, Embedder
from har_core.files import is_locked, write_beside
from har_core.litert import Floats
from har_core.progress import Progress, silent

if TYPE_CHECKING:
    from har_core.datasets.store import Dataset

THUMBNAIL_SIDE = 256

_KEY_LENGTH = 16


def pixels(dataset: "Dataset", size: int, progress: Progress = silent) -> npt.NDArray[np.uint8]:
    """The photos as the network sees them, decoded once, with the decoder that serving uses.

    Args:
        dataset: Whose photos.
        size: Side of the square that they are resized to, pixels.
        progress: Told after each chunk; an exception from it interrupts the work.

    Returns:
        uint8 ``(n, size, size, 3)``, memory-mapped and read-only.

    Raises:
        DatasetError: The disk is full or may not be written to.
    """
    array = _pixels(dataset, size)
    if not array.is_ready:
        array.fill(_paths(dataset), lambda path: square(path, size), cores(), progress, "decoding photos")
    return array.open()


def embeddings(dataset: "Dataset", progress: Progress = silent, embedder: Embedder | None = None) -> Floats:
    """The photos' embeddings; see ``har_core.embedding``.

    Args:
        dataset: Whose photos.
        progress: Told after each chunk; an exception from it interrupts the work.
        embedder: Another network than ours.

    Returns:
        float32 ``(n, dimensions)``, kept on disk as float16.

    Raises:
        DatasetError: The disk is full or may not be written to.
        ModelError: The backbone's file is missing or damaged.
    """
    array = _embeddings(dataset, embedder)
    if not array.is_ready:
        network = embedder or Embedder()

        def embed(path: str) -> Floats:
            return network.embed(square(path, network.input_size))

        array.fill(_paths(dataset), embed, network.threads, progress, "embedding photos")
    return array.open().astype(np.float32)


def cached_embeddings(dataset: "Dataset") -> npt.NDArray[np.float16] | None:
    """The embeddings as they are kept, memory-mapped, when all are there already; never computes any."""
    array = _embeddings(dataset)
    return array.open() if array.is_complete else None


def embeddings_file(dataset: "Dataset") -> Path:
    """Where the embeddings are kept; what is made of them may lie beside it, under the same name."""
    return _embeddings(dataset).file


def unreadable(dataset: "Dataset", size: int | None = None, embedder: Embedder | None = None) -> dict[int, str]:
    """The photos that could not be read when the rows were last asked for.

    Args:
        dataset: Whose photos.
        size: That of the pixels; when absent, the embeddings are meant.
        embedder: The network that made these, where it is not ours.

    Returns:
        Row → what is wrong, in a sentence.
    """
    array = _embeddings(dataset, embedder) if size is None else _pixels(dataset, size)
    return array.record().unreadable


def remove_stale(keep: set[str]) -> None:
    """Deletes the pixels, embeddings, maps and models' answers of datasets that are gone; not what is being computed.

    Args:
        keep: ``images_fingerprint`` of every dataset there is.
    """
    keys = {fingerprint[:_KEY_LENGTH] for fingerprint in keep}
    for folder in (_root() / "pixels", _root() / "embeddings", _root() / "answers"):
        for file in folder.glob("*"):
            if file.name.lstrip(".")[:_KEY_LENGTH] not in keys and not is_locked(file.with_suffix(".lock")):
                file.unlink(missing_ok=True)


def extend(before: "Dataset", after: "Dataset") -> None:
    """Carries over what is kept for a dataset's photos to the same dataset with photos added at its end.

    Only the new ones are computed when their rows are asked for.

    Args:
        before: As it was.
        after: As it is now.

    Raises:
        DatasetError: The disk is full or may not be written to.
    """
    old, new = (dataset.info.images_fingerprint[:_KEY_LENGTH] for dataset in (before, after))
    for folder in (_root() / "pixels", _root() / "embeddings"):
        # Each array has a record, whether it is complete or not.
        for record in sorted(folder.glob(f"{old}-*.json")):
            file = record.with_suffix(".npy")
            Array(file, (), np.void).carry_over(file.with_name(new + file.name[_KEY_LENGTH:]), after.info.images)
    for file in (_root() / "answers").glob(f"{old}-*.parquet"):
        longer = file.with_name(new + file.name[_KEY_LENGTH:])
        with writing(longer):
            write_beside(longer, functools.partial(shutil.copyfile, file))


def thumbnail(path: str | Path, id: str) -> bytes:
    """A small JPEG of a photo, its longest side at most 256 pixels.

    Args:
        path: The photo.
        id: SHA-256 of its bytes, as in the manifest.

    Raises:
        HarError: The photo cannot be read or decoded.
    """
    file = _root() / "thumbnails" / id[:2] / f"{id}.jpg"
    try:
        return file.read_bytes()
    except FileNotFoundError:
        pass
    payload = images.to_jpeg(images.decode(images.read(Path(path)), min_side=THUMBNAIL_SIDE), THUMBNAIL_SIDE)
    with writing(file):
        write_beside(file, payload)
    return payload


def square(path: str, size: int) -> images.RGBImage:
    """A photo as the network sees it; one row of ``pixels``, without the cache.

    Raises:
        HarError: The photo cannot be read or decoded.
    """
    return images.resize(images.decode(images.read(Path(path)), min_side=size), size)


def _root() -> Path:
    return settings().home / "cache"


def _pixels(dataset: "Dataset", size: int) -> Array:
    file = _root() / "pixels" / f"{dataset.info.images_fingerprint[:_KEY_LENGTH]}-{size}.npy"
    return Array(file, (dataset.info.images, size, size, 3), np.uint8)


def _embeddings(dataset: "Dataset", embedder: Embedder | None = None) -> Array:
    # Ours is not loaded for its name alone.
    name, dimensions = (embedder.name, embedder.dimensions) if embedder else (BACKBONE.stem, DIMENSIONS)
    file = _root() / "embeddings" / f"{dataset.info.images_fingerprint[:_KEY_LENGTH]}-{name}.npy"
    return Array(file, (dataset.info.images, dimensions), np.float16)


def _paths(dataset: "Dataset") -> list[str]:
    return dataset.base()["path"].tolist()
