"""Runs a training in a process of its own, stops it when it is asked to, and says how it ended.

The process that trains is killed rather than asked: its state on disk is always whole, so nothing more than the epoch
under way is lost, and it stops at once whatever it is doing. It dies with its supervisor, too. So do the workers that
train with it, where all of them are on this machine.
"""

import os
import signal
import subprocess  # nosec B404
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from har_core.config import PROJECT_ROOT
from har_core.errors import TeamLost, TrainingError
from training import runs, tracking
from training.distributed.cluster import LOST, LOST_LATER, VARIABLE, Cluster
from training.runs import Outcome, Run

_POLL = 0.2
_TRIES = 4
_FATAL = {-signal.SIGKILL: " It was killed; the machine may have run out of memory: try a smaller batch or image size."}


def supervise(run: Run, watch: Callable[[], object] = lambda: None, cluster: Cluster | None = None) -> Outcome:
    """Trains a run that waits, to its end.

    Args:
        run: The run; one that was interrupted goes on where it stopped.
        watch: Called a few times a second meanwhile; an exception from it interrupts the run.
        cluster: The workers that train it together, of which this process starts the chief; None: there is one.

    Raises:
        TeamLost: Workers were lost, or did not come, some times in a row; the run is interrupted, and can be resumed.
        TrainingError: It is running already.
    """
    with run.claimed() as lock:
        started = time.monotonic()
        tries, epochs = 0, len(run.epochs())
        while tries < _TRIES:
            cluster = cluster and cluster.renewed()
            with _processes(run, lock, cluster) as process:
                while process.poll() is None and not run.is_cancelled():
                    watch()
                    time.sleep(_POLL)
                is_cut_off = process.poll() is None
            if process.returncode != LOST or is_cut_off:
                break
            before, epochs = epochs, max(epochs, len(run.epochs()))
            tries = 1 if epochs > before else tries + 1
        _conclude(run, process.returncode, is_cut_off, time.monotonic() - started)
    outcome = run.outcome()
    if outcome is None:
        raise TrainingError(f"How the run {run.id} ended could not be written.")
    return outcome


def _conclude(run: Run, status: int, is_cut_off: bool, seconds: float) -> None:
    if is_cut_off:
        run.end(Outcome(state="cancelled", seconds=seconds))
        tracking.close(run, "KILLED")
    elif status == LOST:
        tracking.close(run, "KILLED")
        raise TeamLost(
            f"Workers were lost, or did not come, {_TRIES} times in a row; the run's log says more. What was learnt is "
            f"kept: start all workers again, this one with --resume {run.id}."
        )
    elif run.outcome() is None:
        why = _FATAL.get(status, f" Its process ended with status {status}; see the log.")
        run.end(Outcome(state="failed", message=runs.BROKE_OFF + why))
        tracking.close(run, "FAILED")


def help_chief(cluster: Cluster) -> None:
    """Runs a worker that is not the chief, until the chief lets it go; its log is on the standard error.

    Raises:
        TeamLost: The others were lost, or did not come, some times in a row.
        TrainingError: It cannot help; its log says why.
    """
    tries = 0
    while tries < _TRIES:
        with _started(["training.distributed"], cluster.environment(), sys.stderr.fileno()) as process:
            status = process.wait()
        if status == 0:
            return
        if status not in (LOST, LOST_LATER):
            raise TrainingError(f"This worker ended with status {status}; what it said before says why.")
        tries = 1 if status == LOST_LATER else tries + 1
    raise TeamLost(f"The other workers were lost, or did not come, {_TRIES} times in a row. Start all of them again.")


@contextmanager
def _processes(run: Run, lock: int, cluster: Cluster | None) -> Iterator[subprocess.Popen[bytes]]:
    """The process that trains, and those that help it here, which end with the block."""
    with ExitStack() as opened:
        log = opened.enter_context((run.folder / runs.LOG).open("ab")).fileno()
        # Empty where there is one worker: what this process was told of others is not meant for it.
        environment = cluster.environment() if cluster else {VARIABLE: ""}
        process = opened.enter_context(_started(["training", run.id], environment, log, [lock]))
        for helper in cluster.helpers_here() if cluster else ():
            opened.enter_context(_started(["training.distributed"], helper.environment(), log))
        yield process


@contextmanager
def _started(
    arguments: list[str], environment: Mapping[str, str], log: int, inherited: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A module of ours in a process of its own, which ends with the block at the latest."""
    process = subprocess.Popen(  # nosec B603
        [sys.executable, "-m", *arguments],
        cwd=PROJECT_ROOT,
        # Closed by the system when the supervisor dies, however it dies; then the process ends itself.
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
        pass_fds=inherited,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2", **environment},
    )
    try:
        yield process
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process with all that it started, and waits for it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()
