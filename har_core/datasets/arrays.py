"""Arrays on disk with one row a photo, filled chunk by chunk: work that was interrupted goes on where it stopped."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap
from pydantic import BaseModel

from har_core.errors import DatasetError, HarError
from har_core.files import locked, write_beside
from har_core.progress import Progress

_CHUNK = 128


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


class Record(BaseModel):
    """What is kept beside an array.

    Attributes:
        done: Rows before this one have been computed or tried.
        unreadable: Row → why it holds zeros.
    """

    done: int = 0
    unreadable: dict[int, str] = {}


@dataclass(frozen=True)
class Array:
    """An array on disk with one row a photo, filled chunk by chunk under another name and renamed when complete."""

    file: Path
    shape: tuple[int, ...]
    dtype: type[np.generic]

    @property
    def is_complete(self) -> bool:
        """Whether every row was computed, or tried."""
        return self.file.is_file()

    @property
    def is_ready(self) -> bool:
        """Whether every row was computed."""
        return self.is_complete and not self.record().unreadable

    def open(self) -> np.memmap[Any, Any]:
        """The complete array, memory-mapped and read-only.

        Raises:
            DatasetError: It is damaged.
        """
        try:
            return open_memmap(self.file, "r")
        except ValueError as error:
            raise DatasetError(f"The cache {self.file} is damaged; delete it.") from error

    def record(self) -> Record:
        """What is kept beside it; a damaged one counts as none."""
        try:
            return Record.model_validate_json(self._record_file.read_bytes())
        except (OSError, ValueError):
            return Record()

    def fill(
        self,
        paths: Sequence[str],
        compute: Callable[[str], npt.NDArray[Any]],
        threads: int,
        progress: Progress,
        what: str,
    ) -> None:
        """Computes the rows that are missing, and again those that could not be.

        Args:
            paths: Of the photos.
            compute: A photo's path → its row. One that raises a ``HarError`` is noted, with a row of zeros.
            threads: Rows computed at the same time.
            progress: Told after each chunk; an exception from it interrupts the work.
            what: What is being done, in a few words.

        Raises:
            DatasetError: The disk is full or may not be written to.
        """

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
        longer = Array(file, (count, *rows.shape[1:]), rows.dtype.type)
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

    def _resume(self) -> tuple[np.memmap[Any, Any], Record]:
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
        return array, Record()

    def _keep(self, record: Record) -> None:
        with writing(self.file):
            write_beside(self._record_file, record.model_dump_json())
