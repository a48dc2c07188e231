"""Runs a training in a process of its own, stops it when it is asked to, and says how it ended.

The process that trains is killed rather than asked: its state on disk is always whole, so nothing more than the epoch
under way is lost, and it stops at once whatever it is doing. It dies with its supervisor, too.
"""

import os
import signal
import subprocess  # nosec B404
import sys
import time
from collections.abc import Callable

from har_core.config import PROJECT_ROOT
from har_core.errors import TrainingError
from training import runs, tracking
from training.runs import Outcome, Run

_POLL = 0.2
_FATAL = {-signal.SIGKILL: " It was killed; the machine may have run out of memory: try a smaller batch or image size."}


def supervise(run: Run, watch: Callable[[], object] = lambda: None) -> Outcome:
    """Trains a run that waits, to its end.

    Args:
        run: The run; one that was interrupted goes on where it stopped.
        watch: Called a few times a second meanwhile; an exception from it interrupts the run.

    Raises:
        TrainingError: It is running already.
    """
    with run.claimed() as lock:
        started = time.monotonic()
        process = _launch(run, lock)
        try:
            while process.poll() is None and not run.is_cancelled():
                watch()
                time.sleep(_POLL)
        finally:
            is_cut_off = process.poll() is None
            _kill(process)
        if is_cut_off:
            run.end(Outcome(state="cancelled", seconds=time.monotonic() - started))
            tracking.close(run, "KILLED")
        elif run.outcome() is None:
            why = _FATAL.get(process.returncode, f" Its process ended with status {process.returncode}; see the log.")
            run.end(Outcome(state="failed", message=f"The training broke off.{why}"))
            tracking.close(run, "FAILED")
    outcome = run.outcome()
    if outcome is None:
        raise TrainingError(f"How the run {run.id} ended could not be written.")
    return outcome


def _launch(run: Run, lock: int) -> subprocess.Popen[bytes]:
    with (run.folder / runs.LOG).open("ab") as log:
        return subprocess.Popen(  # nosec B603
            [sys.executable, "-m", "training", run.id],
            cwd=PROJECT_ROOT,
            # Closed by the system when the supervisor dies, however it dies; then the training ends itself.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock],
            env={**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2"},
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process with all that it started, and waits for it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()
