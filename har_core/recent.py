"""Photos that were answered for a moment ago, so that feedback can name an answer by its id alone.

``HAR_HOME/predictions`` holds a file an answer: a line of JSON, then the photo's bytes. Every process of the machine
finds them there. They are kept for ``feedback_minutes`` and in so many bytes; who comes by removes the older ones.
"""

import logging
import os
import threading
import time
import uuid
from pathlib import Path

from har_core import feedback
from har_core.config import settings
from har_core.errors import PredictionNotFound
from har_core.feedback import Answer

log = logging.getLogger(__name__)

MOST_BYTES = 200_000_000
"""Of all photos together; the oldest go first."""

_SECONDS_BETWEEN_SWEEPS = 30.0
_BYTES_BETWEEN_SWEEPS = MOST_BYTES // 10


def root() -> Path:
    """The folder of all answers."""
    return settings().home / "predictions"


def keep(identity: str, payload: bytes, answer: Answer) -> None:
    """Keeps a photo and the answer for a while; where it cannot be written, nobody has to wait for that.

    It is written before the answer is sent, without waiting for the disk: who has the id finds the photo.

    Args:
        identity: The answer's id, a UUID.
        payload: The photo's file content.
        answer: What the model said.
    """
    try:
        if _seconds() and len(payload) <= _BYTES_BETWEEN_SWEEPS:
            _write(root() / identity, answer.model_dump_json().encode() + b"\n" + payload)
        _sweeper.come_by(len(payload))
    except OSError as error:
        log.warning("answers are not kept for feedback: %s", error)


def find(identity: str) -> tuple[bytes, Answer]:
    """The photo and the answer of an id.

    Raises:
        PredictionNotFound: There is none, or it is too long ago.
    """
    try:
        path = root() / str(uuid.UUID(identity))
        if time.time() - path.stat().st_mtime > _seconds():
            raise OSError
        line, _, payload = path.read_bytes().partition(b"\n")
        return payload, Answer.model_validate_json(line)
    except (OSError, ValueError):
        raise PredictionNotFound(
            f"No answer with this id is kept: that is done for {settings().feedback_minutes:g} minutes. Send the photo."
        ) from None


def sweep() -> None:
    """Removes what is too old or too much."""
    try:
        found = sorted(((item.stat(), item.path) for item in os.scandir(root())), key=lambda item: -item[0].st_mtime)
    except OSError:  # There is no such folder, or somebody else is at it.
        return
    oldest, total = time.time() - _seconds(), 0
    for status, path in found:
        total += status.st_size
        if status.st_mtime < oldest or total > MOST_BYTES:
            Path(path).unlink(missing_ok=True)


def _seconds() -> float:
    return 60 * settings().feedback_minutes if feedback.is_on() else 0.0


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)


class _Sweeper:
    """Sweeps now and then: looking through the folder for each answer would cost more than keeping it."""

    def __init__(self) -> None:
        self._last, self._written, self._lock = -_SECONDS_BETWEEN_SWEEPS, 0, threading.Lock()

    def come_by(self, written: int) -> None:
        with self._lock:
            self._written += written
            if time.monotonic() - self._last < _SECONDS_BETWEEN_SWEEPS and self._written < _BYTES_BETWEEN_SWEEPS:
                return
            self._last, self._written = time.monotonic(), 0
        sweep()


_sweeper = _Sweeper()
