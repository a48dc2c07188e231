"""Long work of the command line, run in processes of its own that outlive a page, a reload and the app.

A job is a folder ``HAR_HOME/jobs/ID``: ``job.json`` says what was started, ``progress.json`` how far it is, ``out`` and
``err`` what it printed, and ``exit`` with which status it ended. As long as one of its processes lives, that process
holds the lock on ``lock``; so a job that was killed, or went down with the machine, is never taken for a running one.
"""

import os
import secrets
import shutil
import signal
import subprocess  # nosec B404
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from har_core.config import PROJECT_ROOT, settings
from har_core.errors import HarError
from har_core.files import is_locked, locked, write_beside

State = Literal["running", "done", "failed", "interrupted"]

_LOCK = "lock"
_KEPT = 20
_GRACE = 3.0
_LAST_BYTES = 20_000
# The command comes as arguments of the shell, and is never read as shell text.
_WRAPPER = """
folder=$1; shift
"$@" </dev/null >"$folder/out" 2>"$folder/err"
echo $? >"$folder/exit.part"
mv "$folder/exit.part" "$folder/exit"
"""


class JobRefused(HarError):
    """A job cannot be started now."""

    code = "job_refused"


class Progress(BaseModel):
    """How far a job is.

    Attributes:
        done: Steps done, of what is being done now.
        total: Steps in all.
        what: What is being done, in a few words.
    """

    done: int = Field(ge=0)
    total: int = Field(ge=0)
    what: str


class Record(BaseModel):
    """Content of ``job.json``.

    Attributes:
        title: For people.
        arguments: What ``har`` was called with.
        pid: Process group of the job.
        started: Seconds since 1970.
    """

    title: str
    arguments: list[str]
    pid: int
    started: float


class Job:
    """One job, running or over."""

    def __init__(self, folder: Path) -> None:
        """Reads the record.

        Raises:
            OSError: There is none.
            ValidationError: It is damaged.
        """
        self.folder = folder
        self.id = folder.name
        self._record = Record.model_validate_json((folder / "job.json").read_bytes())

    @property
    def title(self) -> str:
        """What it does, for people."""
        return self._record.title

    @property
    def arguments(self) -> list[str]:
        """What ``har`` was called with."""
        return self._record.arguments

    @property
    def started(self) -> float:
        """When, in seconds since 1970."""
        return self._record.started

    def state(self) -> State:
        """``running``, ``done``, ``failed``, or ``interrupted``: it was cancelled or went down with the machine."""
        if is_locked(self.folder / _LOCK):
            return "running"
        try:
            return "done" if int((self.folder / "exit").read_text()) == 0 else "failed"
        except (OSError, ValueError):
            return "interrupted"

    def progress(self) -> Progress | None:
        """How far it is; None before it says so."""
        try:
            return Progress.model_validate_json((self.folder / "progress.json").read_bytes())
        except (OSError, ValidationError):
            return None

    @property
    def has_printed(self) -> bool:
        """Whether it printed anything but complaints."""
        try:
            return (self.folder / "out").stat().st_size > 0
        except OSError:
            return False

    def errors(self, lines: int = 10) -> list[str]:
        """The last lines that it complained in."""
        return [line.removeprefix("har: ") for line in self._last("err").splitlines() if line.strip()][-lines:]

    def printed(self) -> str:
        """The end of what it printed as its result."""
        return self._last("out")

    def _last(self, name: str) -> str:
        try:
            with (self.folder / name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def cancel(self) -> None:
        """Ends it with all its processes; returns when they are gone."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not is_locked(self.folder / _LOCK):
                return
            try:
                os.killpg(self._record.pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + _GRACE
            while is_locked(self.folder / _LOCK) and time.monotonic() < deadline:
                time.sleep(0.02)


def root() -> Path:
    """The folder of all jobs."""
    return settings().home / "jobs"


def start(title: str, arguments: Sequence[str]) -> Job:
    """Starts ``har`` with these arguments, unless a job is running.

    Args:
        title: What it does, for people.
        arguments: Of ``har``; ``--progress-file`` is added.

    Raises:
        JobRefused: Another job is running, or this one cannot be started.
    """
    try:
        root().mkdir(parents=True, exist_ok=True)
        with locked(root() / ".lock"):
            busy = running()
            if busy:
                raise JobRefused(f"“{busy.title}” is still running; wait for it to end, or stop it.")
            _prune()
            return _launch(title, list(arguments))
    except OSError as error:
        raise JobRefused(f"The work cannot be started: {error.strerror}.") from error


def recent() -> list[Job]:
    """All jobs that are kept, newest first."""
    return list(_newest_first())


def running() -> Job | None:
    """The job that is running now."""
    return next((job for job in _newest_first() if job.state() == "running"), None)


def find(job_id: str) -> Job | None:
    """The job of that id, where it is still kept."""
    return next((job for job in _newest_first() if job.id == job_id), None)


def _launch(title: str, arguments: list[str]) -> Job:
    now = datetime.now(UTC)
    folder = root() / f"{now:%Y%m%dT%H%M%S.%f}-{secrets.token_hex(3)}"
    folder.mkdir()
    command = [sys.executable, "-m", "har_cli", *arguments, "--progress-file", str(folder / "progress.json")]
    # The processes inherit the lock, so it lasts as long as the last of them.
    with locked(folder / _LOCK) as lock:
        process = subprocess.Popen(  # nosec B603
            ["/bin/sh", "-c", _WRAPPER, "job", str(folder), *command],
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock],
        )
        record = Record(title=title, arguments=arguments, pid=process.pid, started=now.timestamp())
        write_beside(folder / "job.json", lambda path: path.write_text(record.model_dump_json(), "utf-8"))
    # Somebody has to wait for a child that ended, or it stays as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return Job(folder)


def _newest_first() -> Iterator[Job]:
    for path in sorted(root().glob("*/job.json"), reverse=True):
        try:
            yield Job(path.parent)
        except (OSError, ValidationError):
            continue


def _prune() -> None:
    folders = sorted((path for path in root().iterdir() if path.is_dir()), reverse=True)
    for folder in folders[_KEPT - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)
