"""A search on disk. Needs neither Ray nor TensorFlow.

``HAR_HOME/searches/NAME/search.json`` says which recipes are tried. Each trial is a run, named for the search and its
number, and all that is known of it is in the run; a file in ``over`` says of a trial that nothing more is to be done.
"""

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from har_core.bundle import Name
from har_core.config import settings
from har_core.errors import RunNotFound, SearchInvalid, TrainingError
from har_core.files import locked, write_beside
from training import recipe as recipes
from training import runs
from training.recipe import Recipe
from training.runs import Epoch, Run, Trial

MetricName = Literal["macro_f1", "accuracy", "loss"]
State = Literal["waiting", "running", "done", "stopped", "failed", "interrupted"]

_RECORD = "search.json"
_OVER = "over"
_LOCK = "lock"


class Planned(BaseModel):
    """A trial: its changes of the recipe, as ``KEY=VALUE``, and the recipe that these make."""

    changes: list[str]
    recipe: Recipe


class Record(BaseModel):
    """What is searched; content of ``search.json``.

    Attributes:
        reference: The recipe's name or file.
        dataset: The dataset's name.
        changes: Of the recipe, the same in all trials.
        metric: By which trials are compared; measured on the validation split.
        trials: Planned from the beginning, so that a search that goes on tries the same.
        created: Seconds since 1970.
        tracked_as: Its name in MLflow, where it has one.
    """

    reference: str
    dataset: str
    changes: list[str]
    metric: MetricName
    trials: list[Planned]
    created: float
    tracked_as: str | None = None


@dataclass(frozen=True)
class Result:
    """What is known of a trial.

    Attributes:
        number: The trial's, counted from 0.
        run: Its run's name.
        changes: See ``Planned``.
        state: ``stopped``: others were better after as many epochs.
        epochs: How many are over, without the head's.
        kept: The figures of the epoch whose weights would be kept; None before the first.
        message: What went wrong; empty where nothing did.
    """

    number: int
    run: str
    changes: list[str]
    state: State
    epochs: int
    kept: Epoch | None
    message: str


class Search:
    """One search: under way or not."""

    def __init__(self, folder: Path) -> None:
        """Reads the record.

        Raises:
            SearchInvalid: There is none, or it is damaged.
        """
        self.folder, self.name = folder, folder.name
        try:
            self.record = Record.model_validate_json((folder / _RECORD).read_bytes())
        except (OSError, ValidationError) as error:
            raise SearchInvalid(f"There is no search {folder.name[:100]}.") from error

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Holds the search's lock.

        Raises:
            TrainingError: It is under way already.
        """
        try:
            with locked(self.folder / _LOCK, wait=False):
                yield
        except BlockingIOError:
            raise TrainingError(f"The search {self.name} is under way already.") from None

    def keep_tracked_as(self, name: str | None) -> None:
        """Remembers its name in MLflow."""
        self.record = self.record.model_copy(update={"tracked_as": name})
        _write(self.folder, self.record)

    def run_of(self, number: int) -> Run | None:
        """A trial's run; None before it has begun."""
        try:
            return runs.find(run_name(self.name, number))
        except RunNotFound:
            return None

    def begun(self, number: int) -> Run:
        """A trial's run, made where it is not there yet, and ready to be run or to go on.

        Raises:
            HarError: It cannot be made, or is running.
        """
        run = self.run_of(number)
        if run is None:
            trial = Trial(search=self.name, number=number, tracked_under=self.record.tracked_as)
            return Run.create(self.record.trials[number].recipe, self.record.dataset, trial)
        if run.state() not in ("queued", "done"):
            run.reopen()
        return run

    def conclude(self, number: int) -> None:
        """Says that nothing more is to be done for a trial; one that has not trained to its end is stopped."""
        (self.folder / _OVER).mkdir(exist_ok=True)
        (self.folder / _OVER / str(number)).touch()
        run = self.run_of(number)
        if run:
            run.cancel()

    def is_over(self, number: int) -> bool:
        """Whether nothing more is to be done for a trial."""
        return (self.folder / _OVER / str(number)).exists()

    def to_do(self) -> list[int]:
        """The trials that are not over."""
        return [number for number in range(len(self.record.trials)) if not self.is_over(number)]

    def score(self, epoch: Epoch) -> float:
        """The figure that the search goes by."""
        return float(getattr(epoch, f"val_{self.record.metric}"))

    @property
    def is_least_best(self) -> bool:
        """Whether a smaller figure is a better one."""
        return self.record.metric == "loss"

    def results(self) -> list[Result]:
        """What is known of each trial: first those that trained to their end, then the others, each best first."""
        found = [self._result(number, planned) for number, planned in enumerate(self.record.trials)]
        sign = 1 if self.is_least_best else -1

        def rank(result: Result) -> tuple[bool, float]:
            return result.state != "done", sign * self.score(result.kept) if result.kept else float("inf")

        return sorted(found, key=rank)

    def command(self, changes: Sequence[str]) -> str:
        """The command that makes a model of a trial's recipe."""
        words = ["har", "train", self.record.reference, "--dataset", self.record.dataset]
        return shlex.join(
            [*words, *(word for change in [*self.record.changes, *changes] for word in ("--set", change))]
        )

    def _result(self, number: int, planned: Planned) -> Result:
        run, name = self.run_of(number), run_name(self.name, number)
        if run is None:
            return Result(number, name, planned.changes, "waiting", 0, None, "")
        epochs, outcome = run.epochs(), run.outcome()
        return Result(
            number=number,
            run=name,
            changes=planned.changes,
            state=self._state(number, run),
            epochs=epochs[-1].epoch if epochs else 0,
            kept=_kept(epochs, planned.recipe),
            message=outcome.message if outcome else "",
        )

    def _state(self, number: int, run: Run) -> State:
        state = run.state()
        if state in ("done", "failed", "running"):
            return state
        if self.is_over(number):
            return "stopped"
        return "waiting" if state == "queued" else "interrupted"

    @classmethod
    def create(cls, name: str, record: Record) -> "Search":
        """Begins a search.

        Raises:
            SearchInvalid: The name cannot be used, or is taken.
            TrainingError: Its folder cannot be written.
        """
        folder = _folder(name)
        taken = [run_name(name, number) for number in range(len(record.trials))]
        if folder.exists() or any((runs.root() / run).exists() for run in taken):
            raise SearchInvalid(
                f"There is a search {name} already: go on with --resume {name}, or give another --name."
            )
        try:
            _write(folder, record)
        except OSError as error:
            raise TrainingError(f"The search cannot be written to {folder}: {error.strerror}.") from error
        return cls(folder)


def find(name: str) -> Search:
    """Opens a search.

    Raises:
        SearchInvalid: There is none of that name.
    """
    return Search(_folder(name))


def new_record(
    reference: str, dataset: str, changes: Sequence[str], plans: Sequence[Sequence[str]], metric: MetricName
) -> Record:
    """What is to be searched, with every trial's recipe.

    Raises:
        RecipeInvalid: A recipe cannot be made.
    """
    trials = [Planned(changes=[*plan], recipe=recipes.load(reference, [*changes, *plan])) for plan in plans]
    return Record(
        reference=reference,
        dataset=dataset,
        changes=[*changes],
        metric=metric,
        trials=trials,
        created=time.time(),
    )


def run_name(search: str, number: int) -> str:
    """The name of a trial's run."""
    return Trial(search=search, number=number).run


def _folder(name: str) -> Path:
    try:
        return settings().home / "searches" / str(TypeAdapter(Name).validate_python(name))
    except ValidationError:
        raise SearchInvalid(
            f"A search cannot be named {name[:100]}: use small letters, digits, - and _, such as batch-sizes."
        ) from None


def _write(folder: Path, record: Record) -> None:
    write_beside(folder / _RECORD, lambda path: path.write_text(record.model_dump_json(indent=1), "utf-8"))


def _kept(epochs: list[Epoch], recipe: Recipe) -> Epoch | None:
    if not epochs or recipe.keep == "last":
        return epochs[-1] if epochs else None
    return [epoch for epoch in epochs if epoch.best][-1]
