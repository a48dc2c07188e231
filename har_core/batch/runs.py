"""A run of bulk scoring: its rows gather in a journal beside the output, which becomes the output in the end.

``OUTPUT.partial`` holds the rows so far, one JSON object a line, and ``OUTPUT.partial.json`` what they belong to.
However a run ends, the next one goes on after the last whole row.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from har_core import config
from har_core.batch import scoring, tables
from har_core.batch.scoring import Row, Tally
from har_core.batch.sources import Source
from har_core.bundle import Bundle
from har_core.errors import HarError, InputUnusable, OutputUnusable, RunChanged
from har_core.files import locked, write_beside
from har_core.predictor import Predictor

FORMATS = (".parquet", ".csv", ".jsonl")
_MOST_NAMED = 20

# Computes the rows of a source's photos that are left; so many rows come before them.
Engine = Callable[[Source, Iterator[str], int], Generator[Row]]
# Told about twice a second how far the work is, and of how many photos; None: not known yet.
Report = Callable[[Tally, int | None], None]


class Header(BaseModel):
    """What the rows of a journal belong to, beside their photos, which are told by their paths.

    Attributes:
        model: ``NAME@VERSION``.
        digest: Of the model's bundle.
        top_k: How many labels a row lists.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    digest: str
    top_k: int

    @classmethod
    def of(cls, bundle: Bundle, top_k: int) -> Self:
        """What rows by this model belong to."""
        return cls(model=bundle.reference, digest=bundle.digest, top_k=top_k)


@dataclass
class Problems:
    """Photos that gave no answer.

    Attributes:
        counts: How many, by the error's code.
        first: The rows of the first ones.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: list[Row] = field(default_factory=list)

    def note(self, row: Row) -> None:
        """Takes a row in, if it is of one of them."""
        if "error" in row:
            self.counts[row["error"]["code"]] += 1
            if len(self.first) < _MOST_NAMED:
                self.first.append(row)


def cores() -> int:
    """How many photos are classified at the same time on this machine."""
    return config.settings().threads or config.cores()


def local(predictor: Predictor, top_k: int) -> Engine:
    """The engine that works in this process, on all the predictor's threads."""

    def compute(source: Source, left: Iterator[str], done: int) -> Generator[Row]:
        del done
        return scoring.rows(map(source.item, left), predictor, top_k)

    return compute


def run(source: Source, output: Path, header: Header, engine: Engine, report: Report) -> tuple[Tally, Problems]:
    """Scores all photos of a source, or goes on with what was broken off.

    Args:
        source: The photos.
        output: The file that is made, of one of ``FORMATS``.
        header: The model, and how many labels a row lists.
        engine: Computes the rows, with that model and so many labels.
        report: Told how far the work is. What it raises ends the work.

    Returns:
        How many rows there are, and what is wrong with photos.

    Raises:
        InputUnusable: The photos cannot be listed, or there are none.
        OutputUnusable: The output is there already, another run is at work on it, or it cannot be written.
        RunChanged: What is there was begun with other photos, another model or another ``top_k``.
    """
    try:
        with _held(output):
            return _Run(source, output, header).go(engine, report)
    except OSError as error:
        raise OutputUnusable(f"{output} cannot be written: {error.strerror or error}.") from error


@contextmanager
def _held(output: Path) -> Iterator[None]:
    _require_free(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    lock = output.with_name(f".{output.name}.lock")
    try:
        with locked(lock, wait=False):
            _require_free(output)
            yield
            # Whoever has opened it meanwhile finds the output there, and stops.
            lock.unlink()
    except BlockingIOError:
        raise OutputUnusable(f"Another run is at work on {output}.") from None


def _require_free(output: Path) -> None:
    if output.exists():
        raise OutputUnusable(f"{output} is there already. Remove it, or name another file.")


class _Run:
    def __init__(self, source: Source, output: Path, header: Header) -> None:
        self._output, self._header = output, header
        self._journal = output.with_name(f"{output.name}.partial")
        self._header_file = output.with_name(f"{output.name}.partial.json")
        self._beside = output.with_name(f"{output.name}.partial.new")
        own = (output, self._journal, self._header_file, self._beside)
        # They may lie among the photos, and fit the pattern.
        self._source = source.without(frozenset(str(output.parent.resolve() / path.name) for path in own))
        self._problems = Problems()
        self._left = self._source.paths()
        self._is_resuming = True

    def go(self, engine: Engine, report: Report) -> tuple[Tally, Problems]:
        first = next(self._left, None)
        if first is None:
            raise InputUnusable("There are no photos in the input.")
        self._left = chain([first], self._left)
        self._begin()
        counting = _Counting(self._source)

        def compute(done: int) -> Generator[Row]:
            self._is_resuming = False
            report(Tally(done, self._problems.counts.total()), counting.total)
            return engine(self._source, self._left, done)

        def tell(tally: Tally) -> None:
            counting.raise_if_failed()
            report(tally, counting.total)

        tally = scoring.keep(self._journal, compute, tell, self._examine)
        self._finish()
        return tally, self._problems

    def _begin(self) -> None:
        """Writes what the rows will belong to, or compares it with what those that are there do."""
        if not self._journal.exists() or self._journal.stat().st_size == 0:
            write_beside(self._header_file, self._header.model_dump_json())
            return
        try:
            before = Header.model_validate_json(self._header_file.read_bytes())
        except (OSError, ValidationError):
            raise self._changed(f"{self._header_file}, which tells what it belongs to, cannot be read") from None
        if before != self._header:
            is_other = before.model == self._header.model and before.digest != self._header.digest
            other = " as it was then" if is_other else ""
            raise self._changed(f"it was begun with --model {before.model}{other} and --top-k {before.top_k}")

    def _examine(self, row: Row) -> None:
        if self._is_resuming:
            path = next(self._left, None)
            if path != row.get("path"):
                now = "ends" if path is None else f"has {path}"
                raise self._changed(f"where it has {row.get('path')}, the input now {now}")
        self._problems.note(row)

    def _changed(self, what: str) -> RunChanged:
        return RunChanged(
            f"{self._journal} cannot be gone on with: {what}. Give the same photos, model and options as then, or "
            f"remove {self._journal} to begin anew."
        )

    def _finish(self) -> None:
        beside, rows = self._beside, tables.read_rows(self._journal)
        match self._output.suffix.lower():
            case ".parquet":
                tables.write_parquet(rows, beside)
            case ".csv":
                tables.write_csv(rows, beside, self._header.top_k)
            case _:
                beside = self._journal
        with beside.open("rb") as written:
            os.fsync(written.fileno())  # Before its journal goes.
        beside.replace(self._output)
        self._journal.unlink(missing_ok=True)
        self._header_file.unlink()


class _Counting:
    """Counts a source's photos while others are at work on them."""

    def __init__(self, source: Source) -> None:
        self.total: int | None = None
        self._error: HarError | None = None
        threading.Thread(target=self._count, args=(source,), daemon=True).start()

    def raise_if_failed(self) -> None:
        """A table that is damaged at its end is better told of now than in a week."""
        if self._error:
            raise self._error

    def _count(self, source: Source) -> None:
        try:
            self.total = source.count()
        except HarError as error:
            self._error = error
