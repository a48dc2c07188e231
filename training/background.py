"""Starts a module of ours in a process that nobody has to wait for."""

import os
import subprocess  # nosec B404
import sys
from contextlib import suppress
from pathlib import Path

from har_core.config import PROJECT_ROOT, settings
from har_core.files import locked


def start(arguments: list[str], log: Path) -> None:
    """Starts ``python -m ARGUMENTS``, which outlives this process.

    Args:
        arguments: The module's name, and what it is given.
        log: What it prints is added to this file.
    """
    _start(arguments, log, ())


def start_once(arguments: list[str], log: Path) -> None:
    """As ``start``, unless a process that was started so, with this log, is alive.

    Many may ask at the same time, and a process takes a while to begin its work: it inherits a lock, and so is known to
    be there from its first moment.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with suppress(BlockingIOError), locked(log.with_suffix(".started"), wait=False) as lock:
        _start(arguments, log, (lock,))


def _start(arguments: list[str], log: Path, inherited: tuple[int, ...]) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        subprocess.Popen(  # nosec B603
            # The shell puts it into the background and ends: nobody has to wait for it, so no zombie is left.
            ["/bin/sh", "-c", '"$@" &', "background", sys.executable, "-m", *arguments],
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            pass_fds=inherited,
            # It runs in another folder than this process may.
            env={**os.environ, "HAR_HOME": str(settings().home.absolute())},
        ).wait()
