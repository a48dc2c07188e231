"""Training runs on disk. Needs no TensorFlow.

A run is a folder ``HAR_HOME/runs/ID``: ``run.json`` says what is to be trained, ``progress.json`` how far it is,
``epochs.json`` and ``steps.jsonl`` hold the curves, ``log.txt`` what was printed, ``checkpoint.npz`` the state to go on
from, and ``outcome.json`` how it ended. As long as one of its processes lives, that process holds the lock on ``lock``;
so a run that was killed, or went down with the machine, is never taken for a running one.
"""

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError

from har_core.bundle import Metric
from har_core.config import settings
from har_core.errors import RunNotFound, TrainingError
from har_core.files import is_locked, locked, write_beside
from training import starts
from training.recipe import Recipe

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]

CHECKPOINT = "checkpoint.npz"
LOG = "log.txt"
BROKE_OFF = "The training broke off."
"""Begins the message of a run whose process died of something else than an error that it could name."""

_RECORD = "run.json"
_PROGRESS = "progress.json"
_EPOCHS = "epochs.json"
_STEPS = "steps.jsonl"
_OUTCOME = "outcome.json"
_CANCEL = "cancel"
_TRACKED = "mlflow_run_id"
_FINISH = "finish"
_STARTED = "started"
_LOCK = "lock"
_RESERVE = "reserve"

_ID = re.compile(r"[a-z0-9_-]{1,120}")
_RESERVE_BYTES = 64 * 1024
_LOG_BYTES = 40_000

_Kept = TypeVar("_Kept", bound=BaseModel)


class Trial(BaseModel):
    """Which trial of which search a run is: such a run leaves no model, and does not look at the test split.

    Attributes:
        search: The search's name.
        number: The trial's, counted from 0.
        tracked_under: The search's name in MLflow, where it has one.
    """

    search: str
    number: int
    tracked_under: str | None = None

    @property
    def run(self) -> str:
        """The name of its run."""
        return f"{self.search}-{self.number:03}"


class Record(BaseModel):
    """What is to be trained; content of ``run.json``.

    Attributes:
        dataset: Its name.
        recipe: With the model's name filled in.
        created: Seconds since 1970.
        trial: Where it is one of a search.
    """

    dataset: str
    recipe: Recipe
    created: float
    trial: Trial | None = None


class Progress(BaseModel):
    """How far a run is.

    Attributes:
        done: Steps done, of what is being done now.
        total: Steps in all.
        what: What is being done, in a few words.
        epoch: The epoch that is under way, counted from 1 through all phases; None outside fine-tuning.
        epochs: Epochs in all.
        seconds_left: Until fine-tuning is over; None where that is not known.
    """

    done: int = Field(ge=0)
    total: int = Field(ge=0)
    what: str
    epoch: int | None = None
    epochs: int | None = None
    seconds_left: float | None = None


class Epoch(BaseModel):
    """The figures at the end of an epoch; those named ``val_`` are of the validation split.

    Attributes:
        epoch: Counted from 1 through all phases; 0 is the head alone.
        phase: Counted from 1; 0 is the head alone.
        learning_rate: At its end.
        seconds: That it took, with validation.
        photos: That it was trained on.
        recall: Label → share of its validation photos that were recognised.
        best: Whether it is the best so far.
    """

    epoch: int
    phase: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    val_macro_f1: float
    learning_rate: float
    seconds: float
    recall: dict[str, float]
    best: bool
    photos: int = 0


class Step(BaseModel):
    """The figures of some training steps, averaged."""

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float


class Outcome(BaseModel):
    """How a run ended.

    Attributes:
        message: What went wrong and what to do, for people; empty where nothing did.
        bundle: Its folder.
        metrics: On the test split.
        seconds: That the last stretch took.
    """

    state: Literal["done", "failed", "cancelled"]
    message: str = ""
    bundle: str | None = None
    metrics: dict[str, Metric] = {}
    seconds: float = 0.0


class Run:
    """One run: waiting, running or over."""

    def __init__(self, folder: Path) -> None:
        """Reads the record.

        Raises:
            RunNotFound: There is none, or it is damaged.
        """
        self.folder = folder
        self.id = folder.name
        try:
            self.record = Record.model_validate_json((folder / _RECORD).read_bytes())
        except (OSError, ValidationError) as error:
            raise RunNotFound(f"There is no training run {folder.name[:100]}.") from error

    @property
    def recipe(self) -> Recipe:
        """How it trains."""
        return self.record.recipe

    @property
    def model(self) -> str:
        """The name of the model that it makes."""
        return str(self.recipe.name)

    def state(self) -> State:
        """What it is doing.

        ``interrupted``: its process was killed, or went down with the machine; it can be resumed.
        """
        if is_locked(self.folder / _LOCK):
            return "running"
        outcome = self.outcome()
        if outcome is not None:
            return outcome.state
        return "interrupted" if self.has_started() else "queued"

    def has_started(self) -> bool:
        """Whether somebody has begun to run it."""
        return (self.folder / _STARTED).exists()

    def progress(self) -> Progress | None:
        """How far it is; None before it says so."""
        return _read(self.folder / _PROGRESS, Progress)

    def outcome(self) -> Outcome | None:
        """How it ended; None while it has not."""
        return _read(self.folder / _OUTCOME, Outcome)

    def epochs(self) -> list[Epoch]:
        """The figures of each epoch so far."""
        try:
            rows = json.loads((self.folder / _EPOCHS).read_bytes())
            return [Epoch.model_validate(row) for row in rows]
        except (OSError, ValueError):
            return []

    def steps(self) -> list[Step]:
        """The figures between the epochs, so far."""
        try:
            lines = (self.folder / _STEPS).read_text("utf-8").splitlines()
        except OSError:
            return []
        return [step for step in map(_step, lines) if step]

    def log(self, lines: int = 200) -> list[str]:
        """The last lines that it printed."""
        try:
            with (self.folder / LOG).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def keep_progress(self, progress: Progress) -> None:
        """Says how far it is."""
        write_beside(self.folder / _PROGRESS, lambda path: path.write_text(progress.model_dump_json(), "utf-8"))

    def keep_epochs(self, epochs: list[Epoch]) -> None:
        """Replaces the figures of all epochs, and forgets steps of epochs that are not among them."""
        text = json.dumps([epoch.model_dump() for epoch in epochs])
        write_beside(self.folder / _EPOCHS, lambda path: path.write_text(text, "utf-8"))
        last = epochs[-1].epoch if epochs else 0
        kept = "".join(f"{step.model_dump_json()}\n" for step in self.steps() if step.epoch <= last)
        write_beside(self.folder / _STEPS, lambda path: path.write_text(kept, "utf-8"))

    def add_step(self, step: Step) -> None:
        """Adds figures between the epochs."""
        with (self.folder / _STEPS).open("a", encoding="utf-8") as file:
            file.write(f"{step.model_dump_json()}\n")

    def end(self, outcome: Outcome) -> None:
        """Says how it ended, also when the disk is full: a reserve is given up for that."""
        (self.folder / _RESERVE).unlink(missing_ok=True)
        write_beside(self.folder / _OUTCOME, lambda path: path.write_text(outcome.model_dump_json(), "utf-8"))
        (self.folder / _CANCEL).unlink(missing_ok=True)

    def cancel(self) -> None:
        """Asks whoever runs it to stop; a run that waits, or was interrupted, is cancelled at once."""
        if self.state() == "running":
            (self.folder / _CANCEL).touch()
        elif self.outcome() is None:
            self.end(Outcome(state="cancelled"))

    def is_cancelled(self) -> bool:
        """Whether it has been asked to stop."""
        return (self.folder / _CANCEL).exists()

    def reopen(self, finish: bool = False) -> None:
        """Forgets how it ended, so that it can go on; what it knows stays.

        Args:
            finish: Train no further, and make a model of the best so far.

        Raises:
            TrainingError: It is running, or done, or has nothing to finish.
        """
        state = self.state()
        if state in ("running", "done"):
            raise TrainingError(f"The run {self.id} is {state}: there is nothing to resume.")
        if finish and not (self.folder / CHECKPOINT).exists():
            raise TrainingError(f"The run {self.id} has not completed an epoch: there is nothing to make a model of.")
        for name in (_OUTCOME, _STARTED, _CANCEL, _FINISH):
            (self.folder / name).unlink(missing_ok=True)
        if finish:
            (self.folder / _FINISH).touch()

    def is_to_finish(self) -> bool:
        """Whether it is to train no further."""
        return (self.folder / _FINISH).exists()

    @contextmanager
    def claimed(self) -> Iterator[int]:
        """Holds the run's lock: nobody else can run it meanwhile.

        Yields:
            A file descriptor; processes that inherit it keep the run claimed as long as they live.

        Raises:
            TrainingError: It is running already.
        """
        try:
            with locked(self.folder / _LOCK, wait=False) as lock:
                (self.folder / _STARTED).touch()
                with suppress(OSError):  # The disk is full already: whatever is written next will say so.
                    (self.folder / _RESERVE).write_bytes(bytes(_RESERVE_BYTES))
                yield lock
        except BlockingIOError:
            raise TrainingError(f"The run {self.id} is running already.") from None

    @property
    def tracked_as(self) -> str | None:
        """Its name in MLflow, where it has one."""
        try:
            return (self.folder / _TRACKED).read_text("utf-8")
        except OSError:
            return None

    def keep_tracked_as(self, name: str) -> None:
        """Remembers its name in MLflow."""
        write_beside(self.folder / _TRACKED, lambda path: path.write_text(name, "utf-8"))

    @classmethod
    def create(cls, recipe: Recipe, dataset: str, trial: Trial | None = None) -> Self:
        """Makes a run that waits to be run.

        Args:
            recipe: How it trains.
            dataset: On what.
            trial: Where it is one of a search, whose name it then bears.

        Raises:
            ModelError: The model that it is to start from is not there, or damaged.
            TrainingError: Its folder cannot be written.
        """
        recipe = starts.pinned(recipe if recipe.name else recipe.model_copy(update={"name": dataset}))
        record = Record(dataset=dataset, recipe=recipe, created=time.time(), trial=trial)
        name = f"{recipe.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        folder = root() / (trial.run if trial else name)
        try:
            write_beside(folder / _RECORD, lambda path: path.write_text(record.model_dump_json(indent=1), "utf-8"))
        except OSError as error:
            raise TrainingError(f"The run cannot be written to {folder}: {error.strerror}.") from error
        return cls(folder)


def root() -> Path:
    """The folder of all runs."""
    return settings().home / "runs"


def find(run_id: str) -> Run:
    """Opens a run.

    Raises:
        RunNotFound: There is none of that name.
    """
    if not _ID.fullmatch(run_id):
        raise RunNotFound(f"There is no training run {run_id[:100]}.")
    return Run(root() / run_id)


def newest_first() -> list[Run]:
    """All runs."""
    found = []
    for path in root().glob(f"*/{_RECORD}"):
        try:
            found.append(Run(path.parent))
        except RunNotFound:  # Written by another version, or half removed.
            continue
    return sorted(found, key=lambda run: -run.record.created)


def remove(run: Run) -> None:
    """Deletes a run's folder; its bundle stays.

    Raises:
        TrainingError: It is running.
    """
    with run.claimed():
        shutil.rmtree(run.folder)


def _read(path: Path, kind: type[_Kept]) -> _Kept | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _step(line: str) -> Step | None:
    try:
        return Step.model_validate_json(line)
    except ValidationError:  # The last line of a process that was killed may be cut off.
        return None
