"""The command, called as a user does."""

import io
import subprocess
import sys

import pytest

from har_cli.main import main
from har_core import config
from tests.conftest import PROJECT_ROOT


def spawned(*args, stdin: bytes | None = None):
    """Runs the command in a process of its own: exit code, output, errors."""
    command = [sys.executable, "-m", "har_cli", *map(str, args)]
    done = subprocess.run(command, capture_output=True, input=stdin, cwd=PROJECT_ROOT, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def call(monkeypatch, capfd):
    """Runs the command in this process, which is ten times as fast: exit code, output, errors."""

    def run(*args, stdin: bytes = b"", **environment: str):
        capfd.readouterr()
        config.settings.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["har", *map(str, args)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        config.settings.cache_clear()
        return ended.value.code or 0, *capfd.readouterr()

    return run


@pytest.fixture
def har(call, tiny_bundle, use_setting):
    """The same, with the tiny model in service."""
    use_setting("SHIPPED_MODELS", tiny_bundle.folder.parent)
    use_setting("MODEL", "tiny")
    return call


@pytest.fixture
def red(save_image):
    return save_image([[(255, 0, 0)] * 40] * 30, "red.png")
