"""The processes of a Ray that was started for a test, known by a mark in their environment."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def marked(mark: str) -> list[int]:
    """All of them, and whoever else has the mark, but this process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def at_work(mark: str) -> list[int]:
    """Those that may still do something for us; Ray's own agents take a minute or two to see that they are alone."""
    found = []
    for pid in marked(mark):
        with suppress(OSError):
            if b"Agent" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def kill(mark: str) -> None:
    """Ends them all."""
    for pid in marked(mark):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
