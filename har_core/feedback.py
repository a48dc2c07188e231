"""Corrections from people: a photo with the label that a person says is right. They can be imported as a dataset."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from har_core import images
from har_core.bundle import Label
from har_core.config import settings
from har_core.files import write_beside
from har_core.predictor import Prediction


class Correction(BaseModel):
    """One correction.

    Attributes:
        photo: SHA-256 of the photo's bytes; also its file's name.
        label: What the person says is being done.
        predicted: What the model said.
        model: Which model, as ``NAME@VERSION``.
    """

    photo: str
    label: Label
    predicted: str
    confidence: float
    model: str
    time: str


def root() -> Path:
    """The folder of all corrections."""
    return settings().home / "feedback"


def record(payload: bytes, label: str, prediction: Prediction) -> Correction:
    """Keeps a photo with its right label; a later correction of the same photo replaces an earlier one.

    Args:
        payload: The photo's file content.
        label: The right label.
        prediction: What the model said.

    Raises:
        ImageError: The bytes are no photo.
        ValueError: The label is empty or longer than 100 characters.
    """
    images.decode(payload, min_side=64)
    identity = hashlib.sha256(payload).hexdigest()
    correction = Correction(
        photo=identity,
        label=label.strip(),
        predicted=prediction.label,
        confidence=prediction.confidence,
        model=f"{prediction.model.name}@{prediction.model.version}",
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_beside(photo_path(identity), lambda path: path.write_bytes(payload))
    write_beside(root() / f"{identity}.json", lambda path: path.write_text(correction.model_dump_json(), "utf-8"))
    return correction


def photo_path(identity: str) -> Path:
    """Where a correction's photo lies."""
    return root() / f"{identity}.photo"


def corrections() -> list[Correction]:
    """All corrections, oldest first; damaged records are passed over."""
    found = []
    for path in root().glob("*.json"):
        try:
            found.append(Correction.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            continue
    return sorted(found, key=lambda item: (item.time, item.photo))
