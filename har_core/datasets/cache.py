"""What is computed once for a dataset's photos and kept: decoded pixels, embeddings, a map of these, thumbnails.

All of it lies under ``HAR_HOME/cache``, named by ``images_fingerprint``, and may be deleted at any time. Rows are those
of ``Dataset.base()``. Work that is interrupted goes on where it stopped when it is asked for again. A photo that cannot
be read any more has a row of zeros, is listed by ``unreadable``, and is tried again each time the rows are asked for.
"""

import functools
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap
from PIL import Image
from pydantic import BaseModel

from har_core import images
from har_core.config import settings
from har_core.embedding import BACKBONE, DIMENSIONS, Embedder
from har_core.errors import DatasetError, HarError
from har_core.files import is_locked, locked, write_beside
from har_core.litert import Floats
from har_core.progress import Progress, silent

if TYPE_CHECKING:
    from har_core.datasets.store import Dataset

Rows = npt.NDArray[np.intp]

THUMBNAIL_SIDE = 256

_CHUNK = 128
_BLOCK = 4096
_KEY_LENGTH = 16
_MAP_DIMENSIONS = 50


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
        threads = len(os.sched_getaffinity(0))
        array.fill(_paths(dataset), lambda path: square(path, size), threads, progress, "decoding photos")
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
            _Array(file, (), np.void).carry_over(file.with_name(new + file.name[_KEY_LENGTH:]), after.info.images)
    for file in (_root() / "answers").glob(f"{old}-*.parquet"):
        longer = file.with_name(new + file.name[_KEY_LENGTH:])
        with writing(longer):
            write_beside(longer, functools.partial(shutil.copyfile, file))


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Says in words what keeps a file of the cache from being written.

    Raises:
        DatasetError: The disk is full or may not be written to.
    """
    try:
        yield
    except OSError as error:
        raise DatasetError(f"The cache {file} cannot be written: {error.strerror}.") from error


@contextmanager
def alone_with(file: Path) -> Iterator[None]:
    """One thread of one process at a time fills a file of the cache; the others wait, and find the work done.

    Raises:
        DatasetError: The lock cannot be written.
    """
    with ExitStack() as held:
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(file.with_suffix(".lock")))
        yield


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
    image = Image.fromarray(images.decode(images.read(Path(path)), min_side=THUMBNAIL_SIDE))
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    payload = buffer.getvalue()
    with writing(file):
        write_beside(file, payload)
    return payload


def similar(embeddings: npt.NDArray[np.floating], row: int, count: int) -> Rows:
    """The photos that look most like one of them, by cosine similarity.

    Args:
        embeddings: ``(n, d)``.
        row: The photo.
        count: How many to find.

    Returns:
        Their rows, most alike first, without the photo itself and without rows of zeros.
    """
    photo = embeddings[row].astype(np.float32)
    lengths, products = np.empty(len(embeddings), np.float32), np.empty(len(embeddings), np.float32)
    # Block by block: a copy of them all could take half a gigabyte.
    for start in range(0, len(embeddings), _BLOCK):
        block = embeddings[start : start + _BLOCK].astype(np.float32)
        lengths[start : start + _BLOCK] = np.linalg.norm(block, axis=1)
        products[start : start + _BLOCK] = block @ photo
    candidates = np.flatnonzero(lengths)
    candidates = candidates[candidates != row]
    # Dividing by the photo's own length would change no order.
    likeness = products[candidates] / lengths[candidates]
    return candidates[np.argsort(-likeness, kind="stable")[:count]]


def layout(dataset: "Dataset", limit: int = 3000, seed: int = 0, progress: Progress = silent) -> tuple[Rows, Floats]:
    """A map to look at, on which photos that look alike lie close together.

    The embeddings are reduced to 50 dimensions by principal components and to two by t-SNE (van der Maaten and Hinton
    2008, https://jmlr.org/papers/v9/vandermaaten08a.html). Distances across the map mean nothing.

    Args:
        dataset: Whose photos.
        limit: Most photos on the map; of more, a random sample is drawn.
        seed: Of the sample and of t-SNE.
        progress: Told while embeddings are computed.

    Returns:
        The rows on the map ``(m,)``, ascending, and their places, float32 ``(m, 2)``.
    """
    file = _embeddings(dataset).file.with_suffix(f".map-{limit}-{seed}.npz")
    try:
        with np.load(file) as kept:
            return kept["rows"], kept["xy"]
    except (OSError, ValueError, KeyError, BadZipFile):  # Not there, or damaged.
        pass
    vectors = embeddings(dataset, progress)
    rows = np.flatnonzero(vectors.any(axis=1))
    rows = np.sort(np.random.default_rng(seed).permutation(rows)[:limit])
    xy = _tsne(vectors[rows], seed)
    with writing(file):
        write_beside(file, lambda beside: np.savez(beside, rows=rows, xy=xy))
    return rows, xy


def _tsne(vectors: Floats, seed: int) -> Floats:
    # Takes seconds to import, and only the map needs it.
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.manifold import TSNE  # noqa: PLC0415

    count = len(vectors)
    if count < 4:  # Too few for neighbourhoods: side by side.
        return np.stack([np.arange(count), np.zeros(count)], axis=1).astype(np.float32)
    reduced = PCA(min(_MAP_DIMENSIONS, *vectors.shape), random_state=seed).fit_transform(vectors)
    tsne = TSNE(init="pca", perplexity=min(30, (count - 1) / 3), random_state=seed)
    return tsne.fit_transform(reduced).astype(np.float32)


class _Record(BaseModel):
    """What is kept beside an array.

    Attributes:
        done: Rows before this one have been computed or tried.
        unreadable: Row → why it holds zeros.
    """

    done: int = 0
    unreadable: dict[int, str] = {}


@dataclass(frozen=True)
class _Array:
    """An array on disk with one row a photo, filled chunk by chunk under another name and renamed when complete."""

    file: Path
    shape: tuple[int, ...]
    dtype: type[np.generic]

    @property
    def is_complete(self) -> bool:
        return self.file.is_file()

    @property
    def is_ready(self) -> bool:
        return self.is_complete and not self.record().unreadable

    def open(self) -> np.memmap[Any, Any]:
        try:
            return open_memmap(self.file, "r")
        except ValueError as error:
            raise DatasetError(f"The cache {self.file} is damaged; delete it.") from error

    def record(self) -> _Record:
        try:
            return _Record.model_validate_json(self._record_file.read_bytes())
        except (OSError, ValueError):
            return _Record()

    def fill(
        self,
        paths: Sequence[str],
        compute: Callable[[str], npt.NDArray[Any]],
        threads: int,
        progress: Progress,
        what: str,
    ) -> None:
        """Computes the rows that are missing, and again those that could not be."""

        def attempt(row: int) -> npt.NDArray[Any] | HarError:
            try:
                return compute(paths[row])
            except HarError as error:
                return error

        with alone_with(self.file), ThreadPoolExecutor(threads) as pool:
            array, record = self._resume()
            todo = [*record.unreadable, *range(record.done, len(paths))]
            for start in range(0, len(todo), _CHUNK):
                progress(len(paths) - len(todo) + start, len(paths), what)
                rows = todo[start : start + _CHUNK]
                for row, result in zip(rows, pool.map(attempt, rows), strict=True):
                    record.unreadable.pop(row, None)
                    if isinstance(result, HarError):
                        record.unreadable[row] = str(result)
                    else:
                        array[row] = result
                record.done = max(record.done, rows[-1] + 1)
                array.flush()
                self._keep(record)
            progress(len(paths), len(paths), what)
            if not self.is_complete:
                with writing(self.file):
                    self._part.replace(self.file)

    def carry_over(self, file: Path, count: int) -> None:
        """Makes the beginning of a longer array of this one's rows, as far as they are there.

        Args:
            file: Of the longer array.
            count: Its rows.
        """
        record = self.record()
        try:
            rows = open_memmap(self.file if self.is_complete else self._part, "r")
        except (OSError, ValueError):  # Somebody was faster, or it is damaged: then all is computed anew.
            return
        longer = _Array(file, (count, *rows.shape[1:]), rows.dtype.type)
        with alone_with(longer.file):
            if not longer.is_complete:
                array, _ = longer._resume()
                with writing(file):
                    array[: record.done] = rows[: record.done]
                    array.flush()
                longer._keep(record)

    @property
    def _part(self) -> Path:
        return self.file.with_suffix(".part")

    @property
    def _record_file(self) -> Path:
        return self.file.with_suffix(".json")

    def _resume(self) -> tuple[np.memmap[Any, Any], _Record]:
        """What was computed before, or a new array."""
        try:
            array = open_memmap(self.file if self.is_complete else self._part, "r+")
            if array.shape == self.shape:
                return array, self.record()
        except (OSError, ValueError):  # Not there, or damaged.
            pass
        with writing(self.file):
            self._record_file.unlink(missing_ok=True)
            self.file.unlink(missing_ok=True)
            array = open_memmap(self._part, "w+", self.dtype, self.shape)
            # Takes the space now: a disk that fills up later would kill the process that writes to mapped memory.
            with self._part.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, self._part.stat().st_size)
        return array, _Record()

    def _keep(self, record: _Record) -> None:
        with writing(self.file):
            write_beside(self._record_file, record.model_dump_json())


def _root() -> Path:
    return settings().home / "cache"


def _pixels(dataset: "Dataset", size: int) -> _Array:
    file = _root() / "pixels" / f"{dataset.info.images_fingerprint[:_KEY_LENGTH]}-{size}.npy"
    return _Array(file, (dataset.info.images, size, size, 3), np.uint8)


def _embeddings(dataset: "Dataset", embedder: Embedder | None = None) -> _Array:
    # Ours is not loaded for its name alone.
    name, dimensions = (embedder.name, embedder.dimensions) if embedder else (BACKBONE.stem, DIMENSIONS)
    file = _root() / "embeddings" / f"{dataset.info.images_fingerprint[:_KEY_LENGTH]}-{name}.npy"
    return _Array(file, (dataset.info.images, dimensions), np.float16)


def _paths(dataset: "Dataset") -> list[str]:
    return dataset.base()["path"].tolist()


def square(path: str, size: int) -> images.RGBImage:
    """A photo as the network sees it; one row of ``pixels``, without the cache.

    Raises:
        HarError: The photo cannot be read or decoded.
    """
    return images.resize(images.decode(images.read(Path(path)), min_side=size), size)
