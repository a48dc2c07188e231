"""Classifies the newest frame of a camera, in a thread of its own. Draws nothing."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from har_core.images import RGBImage
from har_core.predictor import Decision, Predictor, Score
from har_core.video.smoothing import Smoother

log = logging.getLogger(__name__)

TOP = 3
_HALF_LIFE = 0.4
_HYSTERESIS = 0.1
# As long as no frame comes: a connection that was cut off tells nobody.
_IDLE_SECONDS = 5.0
_RETRY_SECONDS = 1.0

T = TypeVar("T")


class Slot(Generic[T]):
    """Room for one: what is put replaces what nobody has taken yet, so nothing ever queues."""

    def __init__(self) -> None:
        """Empty."""
        self._changed = threading.Condition()
        self._value: T | None = None
        self._is_closed = False

    def put(self, value: T) -> None:
        """Replaces what is there; does not wait."""
        with self._changed:
            self._value = value
            self._changed.notify()

    def take(self, timeout: float) -> T | None:
        """Waits for something, and takes it away; None where nothing came for ``timeout`` seconds, or it was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._value is not None, timeout)
            value, self._value = self._value, None
            return None if self._is_closed else value

    def close(self) -> None:
        """Nothing can be taken from now on; who waits is let go."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()


@dataclass(frozen=True)
class Frame:
    """A picture of the camera.

    Attributes:
        image: uint8 RGB ``(H, W, 3)``.
        arrived: When it reached the app, seconds of ``time.monotonic``.
    """

    image: RGBImage
    arrived: float


@dataclass(frozen=True)
class Result:
    """What the newest classified frame says, calmed by those before it.

    Attributes:
        frame: That frame.
        top: The best labels with smoothed probabilities; the shown one first.
        decision: ``sure`` where the shown label's probability reaches the threshold and the frame is familiar.
        threshold: That threshold, 0–1.
        model: Which model, as ``NAME@VERSION``.
    """

    frame: Frame
    top: tuple[Score, ...]
    decision: Decision
    threshold: float
    model: str


@dataclass
class Controls:
    """What a visitor can change while the camera runs; read anew for each frame.

    Attributes:
        predictor: Gives the model to ask.
        threshold: From which probability on an answer is sure, 0–1; None: the model's own.
        rate: Frames classified a second, at most.
        is_mirrored: Whether the picture is shown as in a mirror.
    """

    predictor: Callable[[], Predictor]
    threshold: float | None = None
    rate: float = 30.0
    is_mirrored: bool = True


class Classifier:
    """Takes the newest frame, again and again, for as long as frames come.

    Attributes:
        problem: Why there are no answers, in words; None where there are.
    """

    def __init__(self, controls: Controls, tell: Callable[[Result], None], idle: float = _IDLE_SECONDS) -> None:
        """Starts no thread yet.

        Args:
            controls: Read anew for each frame.
            tell: Is given each result, in the classifier's thread.
            idle: Seconds without a frame after which the thread ends.
        """
        self.problem: str | None = None
        self._controls = controls
        self._tell = tell
        self._idle = idle
        # Each thread has its own, so that one that is about to end takes nothing from the next.
        self._slot: Slot[Frame] = Slot()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def offer(self, frame: Frame) -> None:
        """Hands over the newest frame; does not wait."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._slot, self._ended = Slot(), threading.Event()
                args = (self._slot, self._ended)
                self._thread = threading.Thread(target=self._run, args=args, name="webcam", daemon=True)
                self._thread.start()
            self._slot.put(frame)

    def stop(self) -> None:
        """Ends the thread after the frame that it is at; the next frame would start another."""
        with self._lock:
            self._ended.set()
            self._slot.close()
            self._thread = None

    def _run(self, slot: Slot[Frame], ended: threading.Event) -> None:
        calm = _Calm()
        due = 0.0
        while not ended.wait(max(0.0, due - time.monotonic())):
            frame = slot.take(self._idle)
            if frame is None:
                return
            due = max(due, time.monotonic() - 1 / self._controls.rate) + 1 / self._controls.rate
            try:
                self._tell(self._classify(frame, calm))
                self.problem = None
            except Exception as error:  # Whatever is wrong with a model, the picture must go on.
                log.error("a frame cannot be classified: %s", error)
                self.problem = str(error)
                due = time.monotonic() + _RETRY_SECONDS

    def _classify(self, frame: Frame, calm: "_Calm") -> Result:
        predictor = self._controls.predictor()
        prediction = predictor.predict(frame.image)
        smoothed = calm.smoother(predictor).update(prediction.probabilities, frame.arrived)
        threshold = prediction.threshold if self._controls.threshold is None else self._controls.threshold
        order = [int(index) for index in np.argsort(-smoothed.probabilities, kind="stable") if index != smoothed.index]
        return Result(
            frame=frame,
            top=tuple(
                Score(predictor.labels[index], float(smoothed.probabilities[index]))
                for index in [smoothed.index, *order][:TOP]
            ),
            decision="sure" if prediction.is_familiar and smoothed.confidence >= threshold else "unsure",
            threshold=threshold,
            model=predictor.bundle.reference,
        )


class _Calm:
    """The smoother of the model that answers; another model begins anew."""

    def __init__(self) -> None:
        self._digest = ""

    def smoother(self, predictor: Predictor) -> Smoother:
        if predictor.bundle.digest != self._digest:
            self._digest = predictor.bundle.digest
            self._smoother = Smoother(predictor.labels, _HALF_LIFE, _HYSTERESIS)
        return self._smoother
