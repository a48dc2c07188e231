"""The command, run as a user does."""

import subprocess
import sys

import pytest

from tests.conftest import PROJECT_ROOT


@pytest.fixture
def har(tiny_bundle, monkeypatch):
    """Runs the command as a user does, on the tiny model."""
    monkeypatch.setenv("HAR_SHIPPED_MODELS", str(tiny_bundle.folder.parent))
    monkeypatch.setenv("HAR_MODEL", "tiny")

    def run(*args, stdin: bytes | None = None):
        command = [sys.executable, "-m", "har_cli", *map(str, args)]
        done = subprocess.run(command, capture_output=True, input=stdin, cwd=PROJECT_ROOT, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


@pytest.fixture
def red(save_image):
    return save_image([[(255, 0, 0)] * 40] * 30, "red.png")
