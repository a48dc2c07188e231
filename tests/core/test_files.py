"""Locks among processes."""

import fcntl
from types import SimpleNamespace

import pytest

from har_core import files
from har_core.files import is_locked, locked


def test_who_looks_whether_it_is_locked_is_in_nobody_s_way(tmp_path, monkeypatch):
    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # As is_locked does, for a moment.
        monkeypatch.setattr(files, "time", SimpleNamespace(sleep=lambda _: fcntl.flock(file, fcntl.LOCK_UN)))
        with locked(tmp_path / "lock", wait=False):
            assert is_locked(tmp_path / "lock")


def test_a_lock_that_another_holds_is_not_waited_for(tmp_path):
    with locked(tmp_path / "lock"), pytest.raises(BlockingIOError), locked(tmp_path / "lock", wait=False):
        pass
    assert not is_locked(tmp_path / "lock")
