"""What people say of answers: right, or wrong and what is right. Kept with the photo, reviewed, added to datasets.

``HAR_HOME/feedback`` holds two files an entry, named by the SHA-256 of the photo's bytes as they were brought: a record
and the photo, which is kept small and without the camera's notes of place and time. There is one entry a photo.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, computed_field

from har_core import images
from har_core.bundle import Label
from har_core.config import settings
from har_core.errors import FeedbackAdded, FeedbackError, FeedbackFull, FeedbackNotFound, FeedbackOff, LabelInvalid
from har_core.files import locked, write_beside
from har_core.labels import label_text
from har_core.predictor import Decision, Prediction

PHOTO_SIDE = 1024
"""Longest side of a photo that is kept, pixels."""

_LONGEST_LABEL = 100

Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Status = Literal["new", "accepted", "discarded", "added"]
Verdict = Literal["right", "wrong"]


class Answer(BaseModel):
    """What a model said of a photo, as far as feedback needs it.

    Attributes:
        label: The best label.
        confidence: Its probability, 0–1.
        decision: Whether the model committed itself.
        model: Which model, as ``NAME@VERSION``.
    """

    model_config = ConfigDict(frozen=True)

    label: Label
    confidence: float = Field(ge=0, le=1)
    decision: Decision
    model: str

    @classmethod
    def of(cls, prediction: Prediction) -> "Answer":
        """The part of a prediction that is kept."""
        return cls(
            label=prediction.label,
            confidence=prediction.confidence,
            decision=prediction.decision,
            model=str(prediction.model),
        )


class Entry(BaseModel):
    """What a person said of one photo, and what became of it.

    Attributes:
        photo: SHA-256 of the photo's bytes as they were brought.
        label: What the person says is being done.
        predicted: What the model said.
        confidence: With which probability, 0–1.
        decision: Whether the model committed itself.
        model: Which model, as ``NAME@VERSION``.
        prediction_id: Of the API's answer, where there was one.
        source: Where it was said: ``app``, ``api``, or ``api/PREFIX`` with that of the key.
        time: When, in UTC.
        status: ``new`` until somebody reviews it; then ``accepted`` or ``discarded``; ``added`` once a dataset has it.
        reviewed_label: The label that the reviewer found right.
        reviewed: When that was, in UTC.
        dataset: Which dataset it was added to.
    """

    model_config = ConfigDict(frozen=True)

    photo: Identity
    label: Label
    predicted: str
    confidence: float = Field(ge=0, le=1)
    # Earlier versions kept what comes before and after these four alone.
    decision: Decision = "unsure"
    prediction_id: str = ""
    source: str = "app"
    status: Status = "new"
    model: str
    time: str
    reviewed_label: Label | None = None
    reviewed: str | None = None
    dataset: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def verdict(self) -> Verdict:
        """Whether the person agrees with the model."""
        return "right" if self.label == self.predicted else "wrong"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def uncertainty(self) -> float:
        """How unsure the model was, 0–1: what its best label lacks to certainty."""
        return 1 - self.confidence

    @property
    def right_label(self) -> str:
        """The label that counts: the reviewer's, or that of the person."""
        return self.reviewed_label or self.label


def is_on() -> bool:
    """Whether anything is kept at all."""
    return settings().feedback


def root() -> Path:
    """The folder of all entries."""
    return settings().home / "feedback"


def photo_path(identity: str) -> Path:
    """Where an entry's photo lies, as long as it is kept."""
    path = root() / f"{identity}.jpg"
    as_before = path.with_suffix(".photo")
    return as_before if as_before.exists() else path


def photo(identity: str) -> bytes:
    """An entry's photo, as JPEG without metadata.

    Raises:
        FeedbackNotFound: It is not kept, or not any more.
    """
    path = photo_path(identity)
    try:
        content = path.read_bytes()
    except OSError:
        raise FeedbackNotFound("The photo is not kept any more.") from None
    return content if path.suffix == ".jpg" else images.small_jpeg(content, PHOTO_SIDE)


def as_label(text: str, known: Iterable[str] = ()) -> str:
    """The label that a person means by a text.

    Args:
        text: As it was typed.
        known: Labels that are meant where only case, underscores or spaces differ.

    Raises:
        LabelInvalid: It is empty, longer than 100 characters, or has characters that cannot be printed.
    """
    tidy = unicodedata.normalize("NFKC", text).strip()
    if not tidy or len(tidy) > _LONGEST_LABEL or not tidy.isprintable():
        raise LabelInvalid(f"A label is a text of 1 to {_LONGEST_LABEL} characters on one line.")
    return {_words(label): label for label in known}.get(_words(tidy), tidy)


def record(payload: bytes, label: str | None, answer: Answer, source: str, prediction_id: str = "") -> Entry:
    """Keeps what a person says of an answer; a later word on the same photo replaces an earlier one.

    Args:
        payload: The photo's file content.
        label: The right label; None: that of the answer.
        answer: What the model said.
        source: Where it was said.
        prediction_id: Of the API's answer.

    Raises:
        FeedbackOff: Nothing is to be kept.
        LabelInvalid: The label is none.
        ImageError: The bytes are no photo.
        FeedbackAdded: The photo belongs to a dataset already.
        FeedbackFull: There is room for no more.
        FeedbackError: It cannot be written.
    """
    if not is_on():
        raise FeedbackOff("Feedback is switched off here, and nothing is kept.")
    entry = Entry(
        photo=hashlib.sha256(payload).hexdigest(),
        label=answer.label if label is None else as_label(label, [answer.label]),
        predicted=answer.label,
        confidence=answer.confidence,
        decision=answer.decision,
        model=answer.model,
        prediction_id=prediction_id,
        source=source,
        time=_now(),
    )
    small = images.small_jpeg(payload, PHOTO_SIDE)
    with _changing():
        before = _read(entry.photo)
        if before and before.status == "added":
            raise _added(before)
        kept = photo_path(entry.photo)
        if not kept.exists():
            _require_room()
        # The record first: no photo is ever kept without one.
        _write(entry)
        write_beside(kept.with_suffix(".jpg"), small)
        if kept.suffix != ".jpg":
            kept.unlink()
    return entry


def entries(status: Status | None = None) -> list[Entry]:
    """All entries, or those of one status, oldest first; damaged records are passed over."""
    found = (_read(path.stem) for path in root().glob("*.json"))
    return sorted(
        (entry for entry in found if entry and status in (None, entry.status)),
        key=lambda entry: (entry.time, entry.photo),
    )


def find(photo: str) -> Entry | None:
    """The entry of a photo, by the SHA-256 of its bytes as they were brought."""
    return _read(photo)


def queue() -> list[Entry]:
    """The entries that wait for review, those first of which the model was least sure."""
    return sorted(entries("new"), key=lambda entry: -entry.uncertainty)


def accept(photo: str, label: str | None = None) -> Entry:
    """Takes a photo as an example to learn from.

    Args:
        photo: Of the entry.
        label: The right label, where the person's is wrong.

    Raises:
        LabelInvalid: The label is none.
        FeedbackNotFound: There is no such entry, or its photo was discarded.
        FeedbackAdded: It belongs to a dataset already.
    """

    def change(entry: Entry) -> Entry:
        if not photo_path(photo).exists():
            raise FeedbackNotFound("The photo is not kept any more.")
        known = (entry.label, entry.predicted)
        right = entry.label if label is None else as_label(label, known)
        return entry.model_copy(update={"status": "accepted", "reviewed_label": right, "reviewed": _now()})

    return _change(photo, change)


def discard(photo: str) -> Entry:
    """Deletes a photo; that it was discarded is kept.

    Raises:
        FeedbackNotFound: There is no such entry.
        FeedbackAdded: It belongs to a dataset already.
    """

    def change(entry: Entry) -> Entry:
        photo_path(photo).unlink(missing_ok=True)
        return entry.model_copy(update={"status": "discarded", "reviewed": _now()})

    return _change(photo, change)


def forget(photo: str) -> None:
    """Deletes a photo with all that was said of it.

    Raises:
        FeedbackAdded: It belongs to a dataset already.
    """
    with _changing():
        entry = _read(photo)
        if entry and entry.status == "added":
            raise _added(entry)
        if entry:
            photo_path(photo).unlink(missing_ok=True)
            _record_path(photo).unlink(missing_ok=True)


def settle(added: Iterable[Entry], dataset: str) -> list[Entry]:
    """Notes that a dataset has these photos now, and deletes ours: the dataset's copies are enough.

    Args:
        added: As they were when they were added; one that was changed since is left as it is.
        dataset: Its name.

    Returns:
        Those that were settled.
    """
    settled = []
    with _changing():
        for entry in added:
            if _read(entry.photo) == entry:
                settled.append(entry.model_copy(update={"status": "added", "dataset": dataset}))
                _write(settled[-1])
                photo_path(entry.photo).unlink(missing_ok=True)
    return settled


def _change(photo: str, change: Callable[[Entry], Entry]) -> Entry:
    with _changing():
        entry = _read(photo)
        if entry is None:
            raise FeedbackNotFound("Nothing is kept of this photo, or not any more.")
        if entry.status == "added":
            raise _added(entry)
        changed = change(entry)
        _write(changed)
        return changed


@contextmanager
def _changing() -> Iterator[None]:
    """One change at a time, of all processes; what the disk refuses is said in words."""
    try:
        root().mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(root() / ".lock"):
            yield
    except OSError as error:
        raise FeedbackError(f"This cannot be kept: {error.strerror}.") from error


def _read(photo: str) -> Entry | None:
    try:
        entry = Entry.model_validate_json(_record_path(photo).read_bytes())
    except (OSError, ValueError):
        return None
    return entry if entry.photo == photo else None


def _write(entry: Entry) -> None:
    write_beside(_record_path(entry.photo), entry.model_dump_json())


def _record_path(photo: str) -> Path:
    return root() / f"{photo}.json"


def _require_room() -> None:
    limit = settings().max_feedback_photos
    if sum(path.suffix in (".jpg", ".photo") for path in root().iterdir()) >= limit:
        raise FeedbackFull(f"{limit} photos wait for review or to be added: no more can be kept until some are gone.")


def _added(entry: Entry) -> FeedbackAdded:
    return FeedbackAdded(
        f"This photo was added to the dataset {entry.dataset} as “{entry.right_label}”. Its label is put right there."
    )


def _words(label: str) -> str:
    return " ".join(label_text(label).casefold().split())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
