"""What starts and serves the project."""

import os
import signal
import socket
import subprocess
import sys

import httpx

from har_core.config import PROJECT_ROOT
from har_core.files import is_locked
from tests.servers import free_port
from tests.waiting import until


def test_a_taken_port_is_named_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "deploy/check_ports.py", str(port), str(free_port())]
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert "HAR_APP_PORT" in done.stderr


def test_one_command_starts_everything_and_ctrl_c_stops_it(tmp_path, home):
    """What ``make run`` runs once the environment is there."""
    ports = {"HAR_APP_HOST": "127.0.0.1", "HAR_APP_PORT": str(free_port()), "HAR_API_PORT": str(free_port())}
    process = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start"],
        cwd=PROJECT_ROOT,
        env={**os.environ, **ports, "PATH": f"{PROJECT_ROOT}/.venv/bin:{os.environ['PATH']}"},
        stdout=(tmp_path / "log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    urls = [
        f"http://127.0.0.1:{ports['HAR_APP_PORT']}/_stcore/health",
        f"http://127.0.0.1:{ports['HAR_API_PORT']}/readyz",
    ]
    try:
        told = (tmp_path / "log").read_text
        until(lambda: all(answers(url) for url in urls), process=process, told=told)
        until(lambda: is_locked(home / "worker.lock"), process=process, told=told)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(240)
        assert not any(answers(url) for url in urls)
        assert not is_locked(home / "worker.lock")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
