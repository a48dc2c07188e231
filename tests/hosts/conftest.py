"""Hosts on one machine: each has a HAR_HOME of its own, and all the same PostgreSQL, Redis or MLflow."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from redis import Redis
from redis.exceptions import RedisError

from har_core.config import PROJECT_ROOT
from tests.api.conftest import create_database, manage, postgres_url  # noqa: F401 - fixtures
from tests.servers import free_port
from tests.waiting import until


@contextmanager
def process(arguments: list[str], log: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a program until the block ends; what it prints is added to the log."""
    with log.open("ab") as file:
        running = subprocess.Popen(
            arguments, cwd=PROJECT_ROOT, env={**os.environ, **environment}, stdout=file, stderr=file
        )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def redis(port: int, folder: Path) -> Iterator[None]:
    """A Redis of the tests' own, which keeps nothing when it ends."""
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]

    def answers() -> bool:
        try:
            return bool(Redis(port=port).ping())
        except RedisError:
            return False

    with process(command, folder / "redis.log"):
        until(answers)
        yield


@pytest.fixture(scope="module")
def redis_port() -> int:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    return free_port()


@contextmanager
def mlflow(folder: Path) -> Iterator[str]:
    """MLflow as a server that keeps models' files, too; gives its address. They lie in the folder's ``artifacts``."""
    port = str(free_port())
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    places = [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    with process(command + places, folder / "mlflow.log", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false") as server:

        def answers() -> bool:
            assert server.poll() is None, (folder / "mlflow.log").read_text()
            try:
                return httpx.get(f"http://127.0.0.1:{port}/health").is_success
            except httpx.TransportError:
                return False

        until(answers, 240)
        yield f"http://127.0.0.1:{port}"
