"""Photos that a visitor brought, and what the model says of them. Draws nothing."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from har_core import explain, images
from har_core.errors import ImageError
from har_core.labels import label_text
from har_core.predictor import Prediction, Predictor
from har_core.spreadsheets import safe_cell
from har_ui.page import ASSETS

_SHOWN_SIDE = 640
_CLOSE = 0.15
_EXAMPLES = ("cycling", "climbing", "playing_music", "running", "riding_horse", "using_laptop", "astronaut")


@dataclass(frozen=True)
class Photo:
    """A photo as it was brought."""

    name: str
    payload: bytes

    @property
    def key(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.payload).hexdigest()


@dataclass(frozen=True)
class Recognition:
    """One photo's outcome: a prediction, or an error."""

    photo: Photo
    prediction: Prediction | None = None
    error: ImageError | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row that the command line would print."""
        if self.prediction is None:
            return {
                "path": self.photo.name,
                "error": {"code": self.error and self.error.code, "message": str(self.error)},
            }
        return {"path": self.photo.name, **self.prediction.to_dict()}


@cache
def examples() -> list[Photo]:
    """The pictures that come with the app."""
    return [Photo(f"{name}.jpg", (ASSETS / "examples" / f"{name}.jpg").read_bytes()) for name in _EXAMPLES]


def recognise(photo: Photo, predictor: Predictor, top_k: int = 5) -> Recognition:
    """Classifies one photo; a bad one comes back with its error."""
    try:
        image = images.decode(photo.payload, min_side=predictor.input_size)
        return Recognition(photo, predictor.predict(image, top_k))
    except ImageError as error:
        return Recognition(photo, error=error)


def thumbnail(payload: bytes, side: int = _SHOWN_SIDE) -> bytes:
    """A photo as JPEG, small enough to send to a browser: no side is longer, pixels."""
    return _jpeg(images.decode(payload, min_side=side), side)


def overlay(thumbnail: bytes, prediction: Prediction) -> bytes:
    """A thumbnail with the heat map of the best label, as JPEG."""
    return _jpeg(explain.overlay(images.decode(thumbnail), prediction.class_map))


def reason(prediction: Prediction) -> str:
    """Why an answer is sure or unsure, in a sentence or two."""
    best, *others = prediction.predictions
    name, bar = label_text(best.label), f"{prediction.threshold:.0%}"
    if prediction.decision == "sure":
        return f"The model gives “{name}” {best.score:.0%}, above its bar of {bar} for a sure answer."
    if not prediction.is_familiar:
        return "The photo looks like none that the model has learnt from, so it does not commit itself."
    if others and best.score - others[0].score < _CLOSE:
        return f"It wavers between “{name}” and “{label_text(others[0].label)}”; a sure answer needs {bar}."
    return (
        f"“{name}” is only its best guess: a sure answer needs {bar}. "
        "Perhaps the photo shows something that is not on its list, or the person is small or hidden."
    )


def to_json(recognitions: Sequence[Recognition]) -> str:
    """All rows as a JSON list."""
    return json.dumps([item.to_dict() for item in recognitions], ensure_ascii=False, indent=2)


def to_csv(recognitions: Sequence[Recognition]) -> str:
    """All rows as CSV: path, label, confidence, decision, model, error."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["path", "label", "confidence", "decision", "model", "error"])
    for row in _csv_rows(recognitions):
        writer.writerow([safe_cell(cell) for cell in row])
    return buffer.getvalue()


def _csv_rows(recognitions: Sequence[Recognition]) -> Iterator[list[object]]:
    for item in recognitions:
        found = item.prediction
        if found is None:
            yield [item.photo.name, "", "", "", "", str(item.error)]
        else:
            yield [item.photo.name, found.label, round(found.confidence, 6), found.decision, str(found.model), ""]


def _jpeg(image: images.RGBImage, side: int = _SHOWN_SIDE) -> bytes:
    return images.to_jpeg(image, side, quality=88)
