"""A video recognised in a process of its own: decoders are C code, fed with strangers' files.

A work is a folder: ``clip`` is the video; the process leaves ``progress.json`` there while it runs, and at its end
``result.json`` with a picture of each segment (``0.jpg``, ``1.jpg``, ...), or ``error.json``. Its memory and
processor time are limited, and it ends with the process that started it. What it leaves is read as data, never as code.
"""

import json
import os
import resource
import signal
import subprocess  # nosec B404
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from har_core import images
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from har_core.errors import HarError, VideoFailed
from har_core.files import write_beside
from har_core.predictor import ModelReference, Predictor
from har_core.video import segments
from har_core.video.reading import Frame, VideoInfo
from har_core.video.recognition import VideoResult, recognise
from har_core.video.segments import Samples, Segment
from har_core.video.smoothing import Floats

State = Literal["running", "done", "failed", "stopped"]

CLIP = "clip"
_PROGRESS, _RESULT, _ERROR = "progress.json", "result.json", "error.json"
_MEMORY_BYTES = 4_000_000_000
_PROCESSOR_SECONDS = 2 * 3600
_SECONDS_BETWEEN_WRITES = 0.3
_PICTURE_SIDE = 320


class Work:
    """One video that is being recognised, or was.

    Attributes:
        folder: Its folder; whoever started it removes it.
        title: For people: the video's name.
        bundle: The model.
        rate: Pictures a second that are classified.
        started: When, in seconds since 1970.
    """

    def __init__(self, folder: Path, title: str, bundle: Bundle, rate: float) -> None:
        """Starts the process.

        Args:
            folder: Holds ``clip``, and nothing else.
            title: For people.
            bundle: The model.
            rate: Pictures a second.
        """
        self.folder, self.title, self.bundle, self.rate = folder, title, bundle, rate
        self.started = time.time()
        self._is_stopped = False
        self._result: VideoResult | None = None
        self._process = subprocess.Popen(  # nosec B603
            [sys.executable, "-m", "har_core.video.work", str(folder), str(bundle.folder.absolute()), str(rate)],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,  # Its other end closes with this process, however that ends.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def state(self) -> State:
        """``stopped``: by ``stop``; ``failed``: ``error`` says why."""
        if self._process.poll() is None:
            return "running"
        if self._is_stopped:
            return "stopped"
        return "done" if self._process.returncode == 0 else "failed"

    def progress(self) -> tuple[int, int]:
        """Seconds of the video that are done, and in all; 0 in all where that is not known."""
        found = self._read(_PROGRESS)
        return (int(found["done"]), int(found["total"])) if found else (0, 0)

    def result(self) -> VideoResult:
        """The answer, when it is done."""
        if self._result is None:
            self._result = _loaded((self.folder / _RESULT).read_text("utf-8"))
        return self._result

    def picture(self, segment: int) -> bytes | None:
        """A segment's clearest picture, JPEG; None where there is none."""
        try:
            return (self.folder / f"{segment}.jpg").read_bytes()
        except OSError:
            return None

    def error(self) -> tuple[str, str]:
        """Why it failed: code and sentence."""
        found = self._read(_ERROR)
        if found:
            return str(found["code"]), str(found["message"])
        if self._process.returncode == -signal.SIGXCPU:
            return VideoFailed.code, "The video takes longer to decode than it may; try a shorter piece of it."
        return VideoFailed.code, "The decoder broke down on this file. It is damaged, or made to do harm."

    def stop(self) -> None:
        """Ends the process; returns when it is gone."""
        self._is_stopped = self._is_stopped or self._process.poll() is None
        self._process.kill()
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        except OSError:
            return None
        return found


class _Pictures:
    """Keeps the clearest picture of each run of the smoothed label, as files; one is held in memory."""

    def __init__(self, folder: Path, labels: list[str]) -> None:
        self._folder = folder
        self._labels = labels
        self._smoother = segments.smoother(labels)
        self._index = 0
        self._best: tuple[float, Frame] | None = None
        self._kept: list[tuple[float, str, Path]] = []

    def take(self, frame: Frame, probabilities: Floats) -> None:
        index = self._smoother.update(probabilities, frame.seconds).index
        if index != self._index:
            self._keep()
            self._index = index
        score = float(probabilities[index])
        if self._best is None or score > self._best[0]:
            self._best = (score, frame)

    def finish(self, found: list[Segment]) -> None:
        """Names the files after the segments; removes those that belong to none."""
        self._keep()
        left = list(self._kept)
        for number, segment in enumerate(found):
            inside = [kept for kept in left if segment.start <= kept[0] < segment.end]
            chosen = min(inside, key=lambda kept: kept[1] != segment.label, default=None)
            if chosen:
                left.remove(chosen)
                chosen[2].rename(self._folder / f"{number}.jpg")
        for *_, path in left:
            path.unlink()

    def _keep(self) -> None:
        if self._best is None:
            return
        frame = self._best[1]
        path = self._folder / f"at-{len(self._kept)}.jpg"
        path.write_bytes(images.to_jpeg(frame.image, _PICTURE_SIDE))
        self._kept.append((frame.seconds, self._labels[self._index], path))
        self._best = None


def _loaded(text: str) -> VideoResult:
    row = json.loads(text)
    samples = row["samples"]
    samples["probabilities"] = np.array(samples["probabilities"], np.float32)
    samples["is_familiar"] = np.array(samples["is_familiar"], bool)
    return VideoResult(
        info=VideoInfo(**row["info"]),
        samples=Samples(**samples),
        segments=[Segment(**item) for item in row["segments"]],
        threshold=row["threshold"],
        notes=row["notes"],
        model=ModelReference(**row["model"]),
    )


def _dumped(result: VideoResult) -> str:
    row = asdict(result)
    samples = row["samples"]
    samples["probabilities"] = samples["probabilities"].round(5).tolist()
    samples["is_familiar"] = samples["is_familiar"].tolist()
    return json.dumps(row)


def _end_with_parent() -> None:
    os.read(0, 1)  # Not by way of sys.stdin, whose lock would be missed when the process ends.
    os._exit(1)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS + 10))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # The pages go first.


def _main(folder: Path, bundle: Path, rate: float) -> int:
    """What the process does; ends with 1 where the video cannot be used."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit()
    written = 0.0

    def report(done: int, total: int, what: str) -> None:
        nonlocal written
        del what
        if time.monotonic() - written > _SECONDS_BETWEEN_WRITES:
            written = time.monotonic()
            write_beside(folder / _PROGRESS, json.dumps({"done": done, "total": total}))

    try:
        predictor = Predictor(Bundle(bundle), threads=1)
        pictures = _Pictures(folder, predictor.labels)
        result = recognise(folder / CLIP, predictor, rate, report, pictures.take)
        pictures.finish(result.segments)
        write_beside(folder / _RESULT, _dumped(result))
    except HarError as error:
        write_beside(folder / _ERROR, json.dumps(error.to_dict()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
