"""Starts what is measured, each as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from har_core.config import PROJECT_ROOT


@contextmanager
def running(command: Sequence[str], port: int, log: Path, probe: str, **environment: str) -> Iterator[int]:
    """Runs ``python -m ...`` until the block ends; enters it, with the process's id, once the address answers 200."""
    server = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait(f"http://127.0.0.1:{port}{probe}", server, log)
        yield server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


@contextmanager
def ours(port: int, home: Path, **environment: str) -> Iterator[int]:
    """The API as it is deployed."""
    home.mkdir(parents=True, exist_ok=True)
    command = ["gunicorn", "-c", "deploy/gunicorn.conf.py"]
    with running(
        command, port, home / "log", "/readyz", HAR_HOME=str(home), HAR_API_PORT=str(port), **environment
    ) as pid:
        yield pid


def workers(pid: int) -> list[int]:
    """The ids of a server's workers."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8")
    return [int(child) for child in children.split()]


def resident(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns once the address answers 200."""
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text("utf-8", "replace")[-2000:])
        time.sleep(0.2)
