"""Which actions a video shows, and when."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from har_core.predictor import ModelReference, Predictor
from har_core.progress import Progress, silent
from har_core.video import RATE, reading, segments
from har_core.video.reading import Frame, VideoInfo
from har_core.video.segments import Samples, Segment
from har_core.video.smoothing import Floats

Watch = Callable[[Frame, Floats], None]


@dataclass(frozen=True)
class VideoResult:
    """The answer for one video.

    Attributes:
        info: What the file says of itself.
        samples: The pictures that were classified.
        segments: Without gaps, in order.
        threshold: From which confidence on a segment may be sure, 0–1.
        notes: What was wrong with the file, in sentences.
        model: Which model gave the answer.
    """

    info: VideoInfo
    samples: Samples
    segments: list[Segment]
    threshold: float
    notes: list[str]
    model: ModelReference

    @property
    def duration(self) -> float:
        """Of what was read, seconds."""
        return self.samples.end

    def to_dict(self) -> dict[str, Any]:
        """The fields that the command line answers with, ready for JSON."""
        return {
            "segments": [segment.to_dict() for segment in self.segments],
            "duration": round(self.duration, 3),
            "model": asdict(self.model),
        }


def recognise(
    source: Path | BinaryIO,
    predictor: Predictor,
    rate: float = RATE,
    progress: Progress = silent,
    watch: Watch | None = None,
) -> VideoResult:
    """Says which actions a video shows, and when.

    One picture is held at a time; what is kept of each are its probabilities, so a long video takes hardly more memory
    than a short one.

    Args:
        source: The file.
        predictor: The model.
        rate: Pictures a second that are classified, more than 0.
        progress: Is told how many seconds of the video are done.
        watch: Is given each picture that was classified, with its probabilities.

    Raises:
        FileUnreadable: The file is missing, no file, or may not be read.
        VideoError: It cannot be used; see ``reading.opened`` and ``Video.frames``.
    """
    times: list[float] = []
    rows: list[Floats] = []
    familiar: list[bool] = []
    with reading.opened(source) as video:
        total = round(video.info.duration or 0)
        for frame in video.frames(rate):
            prediction = predictor.predict(frame.image)
            times.append(frame.seconds)
            rows.append(prediction.probabilities)
            familiar.append(prediction.is_familiar)
            if watch:
                watch(frame, prediction.probabilities)
            progress(min(round(frame.seconds), total) if total else round(frame.seconds), total, "seconds of video")
        end, notes, info = video.end, video.notes, video.info
    samples = Samples(times, np.stack(rows), np.array(familiar), predictor.labels, end)
    threshold = predictor.bundle.info.thresholds.confidence
    return VideoResult(
        info=info,
        samples=samples,
        segments=segments.find(samples, threshold),
        threshold=threshold,
        notes=notes,
        model=predictor.model,
    )
