"""Waiting for what another process, or thread, is to do: by what it does, never by how long that takes."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], seconds: float = 240, process=None, told: Callable[[], object] = str) -> None:
    """Waits until something holds.

    Args:
        holds: Asked again and again.
        seconds: The test fails when it does not hold by then …
        process: … or when this process ends before.
        told: What the test then says.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert process is None or process.poll() is None, told()
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)
