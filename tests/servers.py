"""Starts the project's servers as they are run for real, on free ports."""

import os
import secrets
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

# A busy machine takes longer to answer than the five seconds that httpx waits by default.
httpx._config.DEFAULT_TIMEOUT_CONFIG.read = 120

_claims: list[socket.socket] = []


def free_port() -> int:
    """A port for a server that is to be started: free, and nobody else's until then.

    The system gives those from 32768 on to whoever connects, and other tests run beside these. So it is a lower one,
    claimed until this process ends by a name that no two can have.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        claim = socket.socket(socket.AF_UNIX)
        with suppress(OSError), socket.socket() as probe:
            claim.bind(f"\0har-tests-{port}")
            probe.bind(("127.0.0.1", port))
            _claims.append(claim)
            return port
        claim.close()


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


def ready(log: Path) -> int:
    """How many workers of that server have ever loaded their model; they listen right after."""
    return log.read_text().count("answers from now on")


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
