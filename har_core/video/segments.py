"""From probabilities over time to segments of one action each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt

from har_core.predictor import Decision
from har_core.video.smoothing import Floats, Smoother

HALF_LIFE = 0.8
HYSTERESIS = 0.1
# What lasts for less than this is taken for a flicker.
SHORTEST = 1.0

# A segment while it is being found: its first sample, and its label's index.
_Run = tuple[int, int]


@dataclass(frozen=True)
class Samples:
    """The pictures of a video that were classified.

    Attributes:
        times: Seconds, ascending; at least one.
        probabilities: Unsmoothed, float32 ``(samples, labels)``.
        is_familiar: Of each, whether it looks like what the model has learnt from, ``(samples,)``.
        labels: In the order of the probabilities.
        end: Of the video, seconds.
    """

    times: list[float]
    probabilities: Floats
    is_familiar: npt.NDArray[np.bool_]
    labels: list[str]
    end: float


@dataclass(frozen=True)
class Segment:
    """A stretch of the video with one action.

    Attributes:
        start: Seconds.
        end: Seconds; the next segment begins there.
        label: The action.
        confidence: The label's mean probability over the segment's samples, 0–1.
        decision: ``sure`` when that reaches the model's threshold and most samples are familiar.
    """

    start: float
    end: float
    label: str
    confidence: float
    decision: Decision

    def to_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "label": self.label,
            "confidence": self.confidence,
            "decision": self.decision,
        }


def find(samples: Samples, threshold: float) -> list[Segment]:
    """Cuts a video into segments, without gaps.

    The smoothed label says which actions there are and in which order. It comes late at each change, so the border is
    then looked for in the unsmoothed probabilities: it lies where the two labels' sums of what speaks for them are
    greatest (the cumulative sum of Page 1954, "Continuous inspection schemes"), mid between two samples.

    Args:
        samples: What was classified.
        threshold: From which confidence on a segment may be sure, 0–1.
    """
    times, end = samples.times, max(samples.end, samples.times[-1])
    borders = [0.0, *(mean(pair) for pair in pairwise(times))]
    runs = _without_flickers(_with_borders(_shown(samples), samples.probabilities), borders, end)
    found = []
    for (first, index), (stop, _) in pairwise([*runs, (len(times), -1)]):
        confidence = float(samples.probabilities[first:stop, index].mean())
        is_sure = confidence >= threshold and samples.is_familiar[first:stop].mean() >= 0.5
        until = borders[stop] if stop < len(times) else end
        found.append(Segment(borders[first], until, samples.labels[index], confidence, "sure" if is_sure else "unsure"))
    return found


def smoother(labels: Sequence[str]) -> Smoother:
    """The smoother by which videos are cut."""
    return Smoother(labels, HALF_LIFE, HYSTERESIS)


def _shown(samples: Samples) -> list[_Run]:
    """Where the smoothed label changes."""
    calm = smoother(samples.labels)
    shown = [calm.update(row, time).index for row, time in zip(samples.probabilities, samples.times, strict=True)]
    return _joined(enumerate(shown))


def _with_borders(runs: list[_Run], probabilities: Floats) -> list[_Run]:
    """Moves each change back to where it was; every run keeps a sample at least."""
    moved = runs[:1]
    for late, index in runs[1:]:
        first, before = moved[-1]
        lead = np.cumsum(probabilities[first:late, before] - probabilities[first:late, index])
        moved.append((first + 1 + int(np.argmax(lead)), index))
    return moved


def _without_flickers(runs: list[_Run], borders: Sequence[float], end: float) -> list[_Run]:
    """Gives the shortest run to its longer neighbour, until none is too short."""
    while len(runs) > 1:
        lengths = np.diff([*(borders[first] for first, _ in runs), end])
        shortest = int(np.argmin(lengths))
        if lengths[shortest] >= SHORTEST:
            break
        before = lengths[shortest - 1] if shortest else -1.0
        after = lengths[shortest + 1] if shortest + 1 < len(runs) else -1.0
        if before >= after:
            runs = [*runs[:shortest], *runs[shortest + 1 :]]
        else:
            runs = [*runs[:shortest], (runs[shortest][0], runs[shortest + 1][1]), *runs[shortest + 2 :]]
        runs = _joined(runs)
    return runs


def _joined(runs: Iterable[_Run]) -> list[_Run]:
    """Neighbours of one label become one run."""
    joined: list[_Run] = []
    for first, index in runs:
        if not joined or joined[-1][1] != index:
            joined.append((first, index))
    return joined
