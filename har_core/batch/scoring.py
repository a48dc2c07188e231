"""Many photos → rows in their order, in bounded memory, and into a file that can be taken up again."""

import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from har_core import images
from har_core.errors import HarError
from har_core.predictor import Predictor

Row = dict[str, Any]

# Rows computed ahead of the one that is waited for, a thread: a large photo holds nobody up. Photos are read only when
# their turn comes, so that there is never more than one a thread in memory.
_AHEAD = 16
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


def rows(items: Iterable[Item], predictor: Predictor, top_k: int = 3) -> Generator[Row, None, None]:
    """Classifies photos.

    Args:
        items: The photos.
        predictor: The model; all its threads are used.
        top_k: How many labels to list.

    Yields:
        For each photo, in the order given, ``path`` and the prediction's fields, or ``path`` and ``error``.
    """
    pool = ThreadPoolExecutor(predictor.threads)
    waiting = deque[Future[Row]]()
    try:
        for item in items:
            waiting.append(pool.submit(_row, item, predictor, top_k))
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
    with output.open("a+b") as file:
        tally, pending, written = _resume(file), list[Row](), time.monotonic()
        with closing(rows(islice(items, tally.done, None), predictor, top_k)) as found:
            for row in found:
                pending.append(row)
                if time.monotonic() - written >= _SECONDS_BETWEEN_WRITES:
                    tally, pending, written = _write(file, tally, pending, report), [], time.monotonic()
        return _write(file, tally, pending, report)


def _row(item: Item, predictor: Predictor, top_k: int) -> Row:
    try:
        image = images.decode(item.read(), min_side=predictor.input_size)
        return {"path": item.path, **predictor.predict(image, top_k).to_dict()}
    except HarError as error:
        return {"path": item.path, "error": {"code": error.code, "message": str(error)}}


def _resume(file: IO[bytes]) -> Tally:
    """Cuts off what follows the last whole line."""
    done = failed = size = 0
    file.seek(0)
    for line in file:
        if line.endswith(b"\n"):
            done, failed, size = done + 1, failed + ("error" in json.loads(line)), size + len(line)
    file.truncate(size)
    return Tally(done, failed)


def _write(file: IO[bytes], before: Tally, pending: list[Row], report: Callable[[Tally], None]) -> Tally:
    tally = Tally(before.done + len(pending), before.failed + sum("error" in row for row in pending))
    report(tally)
    file.write("".join(json.dumps(row) + "\n" for row in pending).encode())
    file.flush()
    return tally
