"""``python -m training.worker``: runs the trainings that wait, one at a time, until it is told to end.

``--while-busy``: ends when another worker of this machine is alive, or after a minute without work.
"""

import logging
import signal
import socket
import sys
import time
from pathlib import Path

from har_core.config import settings
from har_core.errors import HarError, QueueUnreachable
from har_core.files import locked
from training import queue, registry, runs, tracking

log = logging.getLogger(__name__)

_IDLE_SECONDS = 60.0
_POLL = 0.5
_UNREACHABLE_POLL = 5.0
_SECONDS_BETWEEN_SWEEPS = 60.0


def work(idle_seconds: float | None = None, wait: bool = True) -> None:
    """Runs what waits, one after the other, until it is interrupted.

    Args:
        idle_seconds: Ends after so long without work; None: never.
        wait: Wait while another worker of this machine is alive, and then take over; otherwise end at once.

    Raises:
        QueueUnreachable: The queue cannot be reached, and there is an end to waiting for it: ``idle_seconds``.
    """
    _lock().parent.mkdir(parents=True, exist_ok=True)
    try:
        with locked(_lock(), wait):
            _work(idle_seconds)
    except BlockingIOError:
        return


def _work(idle_seconds: float | None) -> None:
    log.info("works on the runs in %s", runs.root())
    for run in runs.newest_first():
        if run.state() == "interrupted":
            tracking.close(run, "KILLED")
    idle_since = time.monotonic()
    swept_at = idle_since - _SECONDS_BETWEEN_SWEEPS
    while idle_seconds is None or time.monotonic() - idle_since < idle_seconds:
        try:
            if time.monotonic() - swept_at >= _SECONDS_BETWEEN_SWEEPS:
                queue.put_back()
                registry.catch_up()
                swept_at = time.monotonic()
            has_worked = queue.run_next()
        except QueueUnreachable as error:
            if idle_seconds is not None:
                raise
            log.warning("%s It is tried again.", error)
            time.sleep(_UNREACHABLE_POLL)
            continue
        if has_worked:
            idle_since = time.monotonic()
        else:
            time.sleep(_POLL)


def _lock() -> Path:
    """Held by the worker of a queue in SQLite, which is for one machine; in Redis, by the one of this machine."""
    return settings().home / (f"worker-{socket.gethostname()}.lock" if settings().queue_url else "worker.lock")


def main(arguments: list[str]) -> int:
    """Works; gives the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    is_temporary = "--while-busy" in arguments
    try:
        work(idle_seconds=_IDLE_SECONDS if is_temporary else None, wait=not is_temporary)
    except HarError as error:
        print(f"The worker ends: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
