"""Starts the project's servers as they are run for real, on free ports."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from har_core.config import PROJECT_ROOT
from tests.waiting import until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(
    module_args: list[str], url: str, log: Path, code: Path = PROJECT_ROOT, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs ``python -m ...`` of the code in that folder until the block ends; enters it once the URL answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module_args],
        cwd=code,
        env={**os.environ, **environment},
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: _answers(url), process=process, told=log.read_text)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            # Its workers would outlive it for a while.
            for pid in [process.pid, *children(process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def _answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def manage(*words: str, **environment: str) -> str:
    """Runs ``manage.py`` in a process of its own and gives what it prints."""
    command = [sys.executable, "manage.py", *words]
    ran = subprocess.run(
        command, cwd=PROJECT_ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@contextmanager
def gunicorn(log: Path, code: Path = PROJECT_ROOT, **environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The API; gives its base address and gunicorn's process, whose children are the workers."""
    port = str(free_port())
    command = ["gunicorn", "-c", "deploy/gunicorn.conf.py"]
    base = f"http://127.0.0.1:{port}"
    # One worker unless a test needs more: each takes seconds to start.
    environment = {"WEB_CONCURRENCY": "1", "HAR_API_PORT": port} | environment
    with running(command, f"{base}/healthz", log, code, **environment) as process:
        yield base, process


@contextmanager
def api(log: Path, **environment: str) -> Iterator[str]:
    """The API under gunicorn; gives its base address."""
    with gunicorn(log, **environment) as (base, _):
        yield base


def children(pid: int) -> list[int]:
    """The ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def app(log: Path, **environment: str) -> Iterator[str]:
    """The Streamlit app; gives its base address."""
    port = str(free_port())
    base = f"http://127.0.0.1:{port}"
    command = ["streamlit", "run", "Home.py", "--server.port", port, "--server.address", "127.0.0.1"]
    with running(command, f"{base}/_stcore/health", log, **environment):
        yield base
