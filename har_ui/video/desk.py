"""One visitor's video: the file, its recognition, and their end. Draws nothing."""

import shutil
import tempfile
import threading
from pathlib import Path
from typing import BinaryIO

from har_core.bundle import Bundle
from har_core.errors import FileUnreadable, HarError
from har_core.video.work import CLIP, Work

# By all visitors; each takes a core.
MOST_AT_A_TIME = 2

# For how long a visitor whose connection broke may come back.
GRACE_SECONDS = 120.0

_lock = threading.Lock()
_begun: list[Work] = []


class Busy(HarError):
    """Other visitors' videos are being recognised."""

    code = "busy"


class Desk:
    """Holds one visitor's video at a time, in a temporary folder.

    Attributes:
        work: The recognition of the last video, running or over.
        uploads: How many videos were brought.
    """

    def __init__(self) -> None:
        """Nothing was brought yet."""
        self.work: Work | None = None
        self.uploads = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._end: threading.Timer | None = None

    def stay(self) -> None:
        """The visitor is there, or there again."""
        if self._end:
            self._end.cancel()

    def leave(self) -> None:
        """The visitor's connection ended: everything is removed after a while, unless it comes back."""
        self.stay()
        self._end = threading.Timer(GRACE_SECONDS, self.close)
        self._end.daemon = True
        self._end.start()

    def bring(self, clip: BinaryIO, name: str, bundle: Bundle, rate: float) -> None:
        """Begins with a new video; the one before it, and its answer, are removed.

        Args:
            clip: Its content.
            name: For people.
            bundle: The model.
            rate: Pictures a second.

        Raises:
            Busy: As many are being recognised as may be.
            FileUnreadable: There is no room to keep the file.
        """
        folder = tempfile.TemporaryDirectory(prefix="har-video-", ignore_cleanup_errors=True)
        try:
            with (Path(folder.name) / CLIP).open("wb") as file:
                shutil.copyfileobj(clip, file, 1 << 20)
            if self.work:
                self.work.stop()
            work = _start(Path(folder.name), name, bundle, rate)
        except BaseException as error:
            folder.cleanup()
            if isinstance(error, OSError):
                raise FileUnreadable(f"The video cannot be kept: {error.strerror}.") from error
            raise
        self.close()
        self.work, self._folder = work, folder
        self.uploads += 1

    def again(self, bundle: Bundle, rate: float) -> None:
        """Recognises the same video anew.

        Raises:
            Busy: As many are being recognised as may be.
            FileUnreadable: It is not there any more.
        """
        if self.work is None:
            return
        try:
            with (self.work.folder / CLIP).open("rb") as clip:
                self.bring(clip, self.work.title, bundle, rate)
        except OSError as error:
            raise FileUnreadable(f"The video is not there any more: {error.strerror}.") from error

    def close(self) -> None:
        """Ends the work and removes its files."""
        if self.work:
            self.work.stop()
            with _lock:
                _begun[:] = [work for work in _begun if work is not self.work]
        if self._folder:
            self._folder.cleanup()
        self.work = self._folder = None


def _start(folder: Path, name: str, bundle: Bundle, rate: float) -> Work:
    with _lock:
        _begun[:] = [work for work in _begun if work.state() == "running"]
        if len(_begun) >= MOST_AT_A_TIME:
            raise Busy(f"{MOST_AT_A_TIME} videos are being looked at already. Wait a minute, then try again.")
        _begun.append(Work(folder, name, bundle, rate))
        return _begun[-1]
