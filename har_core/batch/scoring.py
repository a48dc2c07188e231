"""Many photos → rows in their order, in bounded memory, and into a file that can be taken up again."""

import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO, Any, NamedTuple

from har_core import images
from har_core.errors import HarError
from har_core.predictor import Predictor

Row = dict[str, Any]

# Rows computed ahead of the one that is waited for, for each of the predictor's threads: a large photo holds nobody up.
_AHEAD = 16
# Photos read at the same time, likewise, since a disk or a network takes its time; of the others nothing is in memory.
_READERS = 4
_SECONDS_BETWEEN_WRITES = 0.5


class Item(NamedTuple):
    """A photo to be classified.

    Attributes:
        path: What its row calls it.
        read: Gives the file's content, in any thread; raises a ``HarError`` where it cannot.
    """

    path: str
    read: Callable[[], bytes]


class Tally(NamedTuple):
    """How far the work is: rows, and how many of them hold an error."""

    done: int
    failed: int


def _silent(tally: Tally) -> None:
    del tally


def _unseen(row: Row) -> None:
    del row


def rows(items: Iterable[Item], predictor: Predictor, top_k: int = 3) -> Generator[Row, None, None]:
    """Classifies photos.

    Args:
        items: The photos.
        predictor: The model; all its threads are used.
        top_k: How many labels to list.

    Yields:
        For each photo, in the order given, ``path`` and the prediction's fields, or ``path`` and ``error``.
    """
    pool = ThreadPoolExecutor(_READERS * predictor.threads)
    turns = BoundedSemaphore(predictor.threads)
    waiting = deque[Future[Row]]()
    try:
        for item in items:
            waiting.append(pool.submit(_row, item, predictor, top_k, turns))
            if len(waiting) > _AHEAD * predictor.threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def score(
    items: Iterable[Item],
    predictor: Predictor,
    output: Path,
    top_k: int = 3,
    report: Callable[[Tally], None] = _silent,
) -> Tally:
    """Writes the rows to a file, one JSON object a line, or goes on with one that was broken off.

    Whatever the end was like: rows that are there stay as they are, a last one that was cut off is made anew, and in
    the end the file is, byte for byte, that of an undisturbed run with the same photos and model.

    Args:
        items: The photos; the same ones, in the same order, each time.
        predictor: The model.
        output: The file. One process at a time may write to it.
        top_k: How many labels to list.
        report: Told about twice a second how far the work will be with the rows that are to be written next. What it
            raises ends the work, and those are not written.

    Returns:
        All rows of the file.
    """
    return keep(output, lambda done: rows(islice(items, done, None), predictor, top_k), report)


def keep(
    output: Path,
    compute: Callable[[int], Generator[Row]],
    report: Callable[[Tally], None] = _silent,
    examine: Callable[[Row], None] = _unseen,
) -> Tally:
    """Writes rows to a file, one JSON object a line, or goes on with one that was broken off.

    Args:
        output: The file. One process at a time may write to it.
        compute: Gives the rows that come after so many.
        report: As for ``score``.
        examine: Is shown every row, also those that are there already, in their order. What it raises ends the work,
            and the row is not written.

    Returns:
        All rows of the file.
    """
    with output.open("a+b") as file:
        tally, pending, written = _resume(file, examine), list[Row](), time.monotonic()
        with closing(compute(tally.done)) as found:
            for row in found:
                examine(row)
                pending.append(row)
                if time.monotonic() - written >= _SECONDS_BETWEEN_WRITES:
                    tally, pending, written = _write(file, tally, pending, report), [], time.monotonic()
        return _write(file, tally, pending, report)


def _row(item: Item, predictor: Predictor, top_k: int, turns: BoundedSemaphore) -> Row:
    try:
        payload = item.read()
        with turns:  # Decoded, a photo takes up to 150 MB.
            image = images.decode(payload, min_side=predictor.input_size)
            return {"path": item.path, **predictor.predict(image, top_k).to_dict()}
    except HarError as error:
        return {"path": item.path, "error": error.to_dict()}


def _resume(file: IO[bytes], examine: Callable[[Row], None]) -> Tally:
    """Cuts off what follows the last whole line."""
    done = failed = size = 0
    file.seek(0)
    for line in file:
        row = _parsed(line)
        if row is None:
            break
        examine(row)
        done, failed, size = done + 1, failed + ("error" in row), size + len(line)
    file.truncate(size)
    return Tally(done, failed)


def _parsed(line: bytes) -> Row | None:
    """A whole line's row; a machine that lost its power may leave others."""
    try:
        row = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _write(file: IO[bytes], before: Tally, pending: list[Row], report: Callable[[Tally], None]) -> Tally:
    tally = Tally(before.done + len(pending), before.failed + sum("error" in row for row in pending))
    report(tally)
    file.write("".join(json.dumps(row) + "\n" for row in pending).encode())
    file.flush()
    return tally
