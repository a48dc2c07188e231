"""What the API says, typed. Fields that a later version of the API adds are passed over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Decision = Literal["sure", "unsure"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class ModelReference(_Record):
    """Which model."""

    name: str
    version: int

    def __str__(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"


class Score(_Record):
    """A label with its calibrated probability, 0–1."""

    label: str
    score: float


class Explanation(_Record):
    """Where the model looked.

    Attributes:
        label: The label that this is about.
        heat_map: Rows from top to bottom, 0–1.
        overlay: The photo with the map upon it, as a data URL (JPEG).
    """

    label: str
    heat_map: tuple[tuple[float, ...], ...]
    overlay: str


class Prediction(_Record):
    """The answer for one photo.

    Attributes:
        id: By which feedback can name it for some minutes.
        label: The best label.
        confidence: Its calibrated probability, 0–1.
        decision: Whether the model commits itself.
        predictions: The best labels, best first.
        model: Which model gave the answer.
        timing_ms: Milliseconds for decoding and classifying.
        explanation: Where it was asked for.
    """

    id: str
    label: str
    confidence: float
    decision: Decision
    predictions: tuple[Score, ...]
    model: ModelReference
    timing_ms: float
    explanation: Explanation | None = None


class Failure(_Record):
    """Why one of many photos has no answer."""

    code: str
    message: str


class Labels(_Record):
    """The labels of the model in service, in the order of its outputs."""

    labels: tuple[str, ...]
    model: ModelReference


class Metric(_Record):
    """A figure with its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


class Evaluation(_Record):
    """Figures on ``n`` photos that a model was not trained on."""

    split: str
    n: int
    metrics: Mapping[str, Metric]


class Model(_Record):
    """A model, as a list has it."""

    name: str
    version: int
    label_count: int
    input_size: int
    created: str
    size: int
    in_service: bool
    evaluation: Evaluation


class ModelDetails(Model):
    """All that is known of a model; ``card`` is Markdown."""

    labels: tuple[str, ...]
    precision: str
    recipe: Mapping[str, Any]
    dataset: Mapping[str, Any]
    card: str


class Check(_Record):
    """Something that was examined before a model was put in service."""

    name: str
    title: str
    passed: bool
    detail: str
    is_final: bool


class Change(_Record):
    """A change of the model in service: from ``before`` (empty: none) to ``model``, both ``NAME@VERSION``."""

    id: int
    action: Literal["promote", "rollback"]
    model: str
    before: str
    who: str
    when: datetime
    why: str
    override: str
    checks: tuple[Check, ...]


class FeedbackEntry(_Record):
    """What somebody said of one photo, and what became of it; ``photo`` is its name."""

    photo: str
    verdict: Literal["right", "wrong"]
    label: str
    predicted: str
    confidence: float
    decision: Decision
    model: str
    time: datetime
    status: str
    reviewed_label: str | None


class ImageCounts(_Record):
    """How many photos a job has, has done, could not answer for, and has passed over."""

    total: int
    done: int
    failed: int
    skipped: int


class Job(_Record):
    """Very many photos, answered one after the other."""

    id: str
    state: str
    position: int | None
    model: str | None
    images: ImageCounts
    created: datetime
    expires: datetime | None
    remaining_seconds: float | None
    error: Failure | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in ("queued", "running")


class JobRow(_Record):
    """The answer for one photo of a job: an error, or all the rest."""

    path: str
    label: str | None = None
    confidence: float | None = None
    decision: Decision | None = None
    predictions: tuple[Score, ...] = ()
    model: ModelReference | None = None
    error: Failure | None = None


class Training(_Record):
    """A training; ``bundle`` is the model that it made, ``NAME@VERSION``."""

    run: str
    state: str
    position: int | None
    dataset: str
    model: str
    bundle: str | None
    metrics: Mapping[str, Metric]
    message: str


class Dataset(_Record):
    """What can be trained on: photos by split and by label."""

    name: str
    created: str
    images: int
    unlabelled: int
    splits: Mapping[str, int]
    labels: Mapping[str, int]
