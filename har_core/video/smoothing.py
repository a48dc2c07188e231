"""Probabilities over time, calmed, and a label that does not flicker."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Smoothed:
    """What holds at a moment.

    Attributes:
        probabilities: Smoothed, float32 ``(labels,)``; they sum to 1.
        index: Of the label that is shown.
        label: That label.
    """

    probabilities: Floats
    index: int
    label: str

    @property
    def confidence(self) -> float:
        """The shown label's smoothed probability, 0–1."""
        return float(self.probabilities[self.index])


class Smoother:
    """Exponential smoothing in time, not in frames, and hysteresis on the label. For one thread at a time.

    Each frame stands for the time since the one before, so the outcome does not depend on the frame rate: after
    ``half_life`` seconds, half of what was known before is forgotten (Brown 1963, "Smoothing, Forecasting and
    Prediction of Discrete Time Series", for the continuous-time form of the weight). What lasts for less than that
    weighs less than what was there before, and does not change the label.
    """

    def __init__(self, labels: Sequence[str], half_life: float, hysteresis: float) -> None:
        """Knows nothing yet.

        Args:
            labels: In the order of the probabilities.
            half_life: Seconds, at least 0; 0: no smoothing.
            hysteresis: By how much another label's smoothed probability must lead to be shown instead, 0–1.
        """
        self.labels = list(labels)
        self.half_life = half_life
        self.hysteresis = hysteresis
        self.reset()

    def reset(self) -> None:
        """Forgets everything: the next frame is the first."""
        self._probabilities: npt.NDArray[np.float64] | None = None
        self._seconds = 0.0
        self._index = 0

    def update(self, probabilities: Floats, seconds: float) -> Smoothed:
        """Takes the next frame.

        Args:
            probabilities: Of all labels, float32 ``(labels,)``; they sum to 1.
            seconds: When the frame was, on any clock; one that is not later than the one before changes nothing.
        """
        if self._probabilities is None:
            self._probabilities = probabilities.astype(np.float64)
            self._index = int(np.argmax(probabilities))
        elif seconds > self._seconds:
            kept = 0.5 ** ((seconds - self._seconds) / self.half_life) if self.half_life else 0.0
            self._probabilities = kept * self._probabilities + (1 - kept) * probabilities
            best = int(np.argmax(self._probabilities))
            if self._probabilities[best] - self._probabilities[self._index] > self.hysteresis:
                self._index = best
        else:
            seconds = self._seconds
        self._seconds = seconds
        return Smoothed(self._probabilities.astype(np.float32), self._index, self.labels[self._index])
