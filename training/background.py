"""Starts a module of ours in a process that nobody has to wait for."""

import os
import subprocess  # nosec B404
import sys
from pathlib import Path

from har_core.config import PROJECT_ROOT, settings


def start(arguments: list[str], log: Path) -> None:
    """Starts ``python -m ARGUMENTS``, which outlives this process.

    Args:
        arguments: The module's name, and what it is given.
        log: What it prints is added to this file.
    """
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
            # It runs in another folder than this process may.
            env={**os.environ, "HAR_HOME": str(settings().home.absolute())},
        ).wait()
