"""One visitor's camera: what comes in, what is shown, and what was seen. Draws nothing on a page."""

import io
import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

import av
import cv2
import numpy as np
from PIL import Image

from har_core.images import RGBImage
from har_ui.webcam import overlay
from har_ui.webcam.classifier import Classifier, Controls, Frame, Result
from har_ui.webcam.timeline import Record

# Some minutes of frames.
_KEPT_FIGURES = 10_000
_RATE_SECONDS = 2.0
# What is known of an older frame is no more drawn.
_STALE_SECONDS = 2.0


@dataclass(frozen=True)
class Figures:
    """How quick a session was.

    Attributes:
        seconds: Whole seconds that were counted; the first and the last, which are not whole, are left out.
        rate: Frames classified in a second, median.
        least_rate: In the slowest second.
        age: How old the classified frame was when what it says was drawn, milliseconds, median.
        age_p95: The same, 95th percentile.
    """

    seconds: int
    rate: float
    least_rate: int
    age: float
    age_p95: float


class LiveSession:
    """Stands between the stream and the page. The stream calls it from its threads, the page asks it from its own.

    Attributes:
        controls: What the visitor can change while it runs.
        record: What was seen since the camera started.
        result: The newest answer.
    """

    def __init__(self, controls: Controls) -> None:
        """Waits for the first frame."""
        self.controls = controls
        self._classifier = Classifier(controls, self._take)
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Forgets what was seen before; the camera is about to start."""
        with self._lock:
            self._is_over = False
            self.record = Record()
            self.result: Result | None = None
            self._started: float | None = None
            self._panel: RGBImage | None = None
            self._canvas: RGBImage | None = None
            self._done: deque[float] = deque(maxlen=_KEPT_FIGURES)
            self._ages: deque[float] = deque(maxlen=_KEPT_FIGURES)

    def end(self) -> None:
        """Ends the classifier's thread; what was seen stays until the camera starts again."""
        self._is_over = True
        self._classifier.stop()

    @property
    def problem(self) -> str | None:
        """Why there are no answers, in words; None where there are."""
        return self._classifier.problem

    @property
    def is_running(self) -> bool:
        """Whether the camera's picture arrives."""
        return self._started is not None and not self._is_over

    def photo(self) -> bytes | None:
        """The newest frame that was classified, as JPEG; None before there is one."""
        if self.result is None:
            return None
        buffer = io.BytesIO()
        Image.fromarray(self.result.frame.image).save(buffer, "JPEG", quality=95)
        return buffer.getvalue()

    def receive(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Takes a frame of the camera and gives the one to show; must be quick, for the picture waits."""
        if self._is_over:  # The last one before the stream ends.
            return frame
        arrived = time.monotonic()
        image: RGBImage = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        with self._lock:
            if self._started is None:
                self._started = arrived
        self._classifier.offer(Frame(image, arrived))
        with self._lock:
            return av.VideoFrame.from_ndarray(self._drawn(image, arrived), format="rgb24")

    def figures(self) -> Figures | None:
        """How quick it was so far; None before it has run for three seconds."""
        with self._lock:
            done, ages = list(self._done), list(self._ages)
        counts = _per_second(done)
        if not counts or not ages:
            return None
        return Figures(
            seconds=len(counts),
            rate=statistics.median(counts),
            least_rate=min(counts),
            age=1000 * float(np.median(ages)),
            age_p95=1000 * float(np.percentile(ages, 95)),
        )

    def rate(self) -> float:
        """Frames classified a second, lately."""
        since = time.monotonic() - _RATE_SECONDS
        return sum(moment > since for moment in self._done) / _RATE_SECONDS

    def _drawn(self, image: RGBImage, now: float) -> RGBImage:
        """The picture to show; the same memory each time, as the stream makes a copy of it."""
        if self._canvas is None or self._canvas.shape != image.shape:
            self._canvas = np.empty_like(image)
        if self.controls.is_mirrored:
            cv2.flip(image, 1, dst=self._canvas)
        else:
            np.copyto(self._canvas, image)
        if self.result and self._panel is not None and now - self.result.frame.arrived < _STALE_SECONDS:
            overlay.lay(self._panel, self._canvas)
            self._ages.append(time.monotonic() - self.result.frame.arrived)
        return self._canvas

    def _take(self, result: Result) -> None:
        """Keeps what the classifier says; called in its thread, so that drawing text holds no picture up."""
        now = time.monotonic()
        panel = overlay.panel(result, self.controls.predictor().labels, self.rate(), min(result.frame.image.shape[:2]))
        with self._lock:
            if self._started is None or result.frame.arrived < self._started:
                return  # Of the session before.
            self._done.append(now)
            self.result, self._panel = result, panel
            best = result.top[0]
            seconds = result.frame.arrived - self._started
            self.record.add(seconds, best.label, best.score, result.decision == "sure", result.model)


def _per_second(moments: Sequence[float]) -> list[int]:
    """How many moments fall into each whole second, without the first and the last."""
    if not moments:
        return []
    counts = Counter(int(moment - moments[0]) for moment in moments)
    return [counts[second] for second in range(1, int(moments[-1] - moments[0]))]
