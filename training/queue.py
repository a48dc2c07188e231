"""Trainings that wait for a worker, in Huey: SQLite under ``HAR_HOME``, or Redis by ``HAR_QUEUE_URL``.

The queue holds the runs' names alone; all else lies in their folders, so a queue that is lost loses only the order. In
Redis it bears the identity of the folder of runs: only workers that share that folder take anything from it.
Needs no TensorFlow.
"""

import json
import logging
import sqlite3
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from huey import RedisHuey, SqliteHuey
from huey.api import Huey, TaskWrapper
from huey.registry import Message
from huey.serializer import Serializer
from redis.exceptions import RedisError

from har_core import identity
from har_core.config import settings
from har_core.errors import QueueUnreachable, RunNotFound
from har_core.files import is_locked
from training import background, runs, supervisor
from training.recipe import Recipe
from training.runs import Run

log = logging.getLogger(__name__)

_NAME = "har-trainings"
_TASK = f"{__name__}.train"
# In the folder of a run that was put into the queue: there it can get lost.
_PUT = "in_queue"
_UNREACHABLE = (sqlite3.Error, RedisError, OSError)


def submit(recipe: Recipe, dataset: str) -> Run:
    """Makes a run and puts it at the end of the queue.

    Raises:
        TrainingError: It cannot be written.
        QueueUnreachable: The queue cannot be reached; nothing is left of the run.
    """
    run = Run.create(recipe, dataset)
    try:
        put(run)
    except QueueUnreachable:
        runs.remove(run)
        raise
    return run


def resume(run: Run, finish: bool = False) -> None:
    """Puts a run that was interrupted, cancelled or failed at the end of the queue again.

    Args:
        run: The run.
        finish: Train no further, and make a model of the best so far.

    Raises:
        TrainingError: It is running, done, or has nothing to finish.
        QueueUnreachable: The queue cannot be reached.
    """
    run.reopen(finish)
    put(run)


def put(run: Run) -> None:
    """Puts a run that waits at the end of the queue.

    Raises:
        QueueUnreachable: The queue cannot be reached.
    """
    try:
        _, train = _queue()
        train(run.id)
    except _UNREACHABLE as error:
        raise _unreachable(error) from error
    with suppress(OSError):  # It is in the queue, and may be over and removed by now.
        (run.folder / _PUT).touch()


def waiting() -> list[str]:
    """The names of the runs that wait, in the order in which they will be run.

    Raises:
        QueueUnreachable: The queue cannot be reached.
    """
    try:
        names = [str(task.args[0]) for task in _queue()[0].pending()]
    except _UNREACHABLE as error:
        raise _unreachable(error) from error
    return [name for name in dict.fromkeys(names) if _waits(name)]


def summary(run: Run, waiting: list[str]) -> dict[str, Any]:
    """What the command line and the API say of a run, ready for JSON.

    Args:
        run: The run.
        waiting: As ``waiting()`` gives it.
    """
    outcome = run.outcome()
    return {
        "run": run.id,
        "state": run.state(),
        "position": waiting.index(run.id) + 1 if run.id in waiting else None,
        "dataset": run.record.dataset,
        "model": run.model,
        "bundle": Path(outcome.bundle).name if outcome and outcome.bundle else None,
        "metrics": {name: metric.model_dump() for name, metric in outcome.metrics.items()} if outcome else {},
        "message": outcome.message if outcome else "",
    }


def has_worker() -> bool:
    """Whether a worker is alive, of this machine or of another one that shares HAR_HOME."""
    return any(map(is_locked, settings().home.glob("worker*.lock")))


def ensure_worker() -> None:
    """Starts a worker if none is alive; it ends when it has had nothing to do for a while.

    Where the queue is shared, or TensorFlow is not installed, none is: trainings wait for a worker elsewhere.
    """
    if starts_workers() and not has_worker():
        background.start_once(["training.worker", "--while-busy"], settings().home / "worker.log")


def starts_workers() -> bool:
    """Whether ``ensure_worker`` may start one on this machine."""
    return not settings().queue_url and find_spec("tensorflow") is not None


def run_next() -> bool:
    """Runs what is first in the queue, to its end; False where nothing waits.

    Raises:
        QueueUnreachable: The queue cannot be reached.
    """
    try:
        huey = _queue()[0]
        task = huey.dequeue()
        if task is not None:
            huey.execute(task)
    except _UNREACHABLE as error:
        raise _unreachable(error) from error
    except (ValueError, TypeError):
        log.warning("an entry of the queue cannot be read, and is passed over")
        return True
    return task is not None


def put_back() -> None:
    """Puts back what a queue has lost, as one in Redis may that was started again.

    Raises:
        QueueUnreachable: The queue cannot be reached.
    """
    known = set(waiting())
    for run in reversed(runs.newest_first()):
        if run.id not in known and (run.folder / _PUT).exists() and run.state() == "queued":
            put(run)


def _train(run_id: str) -> None:
    if _waits(run_id):
        supervisor.supervise(runs.find(run_id))


def _waits(run_id: str) -> bool:
    try:
        return runs.find(run_id).state() == "queued"
    except RunNotFound:
        return False


def _unreachable(error: Exception) -> QueueUnreachable:
    reason = str(error).rstrip(".")
    return QueueUnreachable(f"The queue cannot be reached: {reason}. Check HAR_QUEUE_URL, and the space on the disk.")


class _Json(Serializer):
    """In place of pickles: whoever can write to the queue cannot make the worker run what they like."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Message:
        try:
            content = json.loads(data)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        match content:
            # What else Huey could be asked for, such as another task afterwards, is never used here.
            case [str(entry), name, None, 0, 0, None, [str(run_id)], dict(options), *rest] if (
                name == _TASK and not options and not any(rest)
            ):
                return Message(entry, _TASK, retries=0, retry_delay=0, args=(run_id,), kwargs={}, retry_backoff=0)
        raise ValueError("not an entry of this queue")


def _queue() -> tuple[Huey, TaskWrapper]:
    """The queue of these settings, and what puts a run's name into it."""
    url = settings().queue_url.get_secret_value()
    return _open(url, settings().home, identity.of(runs.root()) if url else "")


@lru_cache(maxsize=4)
def _open(url: str, home: Path, folder: str) -> tuple[Huey, TaskWrapper]:
    options: dict[str, Any] = {"results": False, "serializer": _Json()}
    if url:
        huey: Huey = RedisHuey(f"{_NAME}-{folder}", url=url, blocking=False, **options)
    else:
        home.mkdir(parents=True, exist_ok=True)
        huey = SqliteHuey(_NAME, filename=str(home / "queue.db"), strict_fifo=True, **options)
    return huey, huey.task(name="train")(_train)
