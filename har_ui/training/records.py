"""Runs as the page shows them: read from disk again only after a file of theirs has changed."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from har_core.errors import RunNotFound
from training import runs
from training.runs import Epoch, Outcome, Run, State

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class View:
    """A run, read at one moment.

    Attributes:
        outcome: How it ended; None while it has not.
        has_checkpoint: Whether a model can be made of the best so far.
    """

    run: Run
    state: State
    epochs: list[Epoch]
    outcome: Outcome | None
    has_checkpoint: bool

    @property
    def best(self) -> Epoch | None:
        """The best epoch so far."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.best), None)

    @property
    def bundle(self) -> str | None:
        """The model that it made, as ``NAME@VERSION``."""
        return Path(self.outcome.bundle).name if self.outcome and self.outcome.bundle else None

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state not in ("queued", "running")


def view_of(run: Run) -> View:
    """The view of a run as it is now."""
    state, stamp = run.state(), _stamp(run.folder)
    before, view = _views().get(run.id, ((), None))
    if view is None or view.state != state or before != stamp:
        outcome = run.outcome()
        # What ended between the two looks counts as over.
        now = outcome.state if outcome else state
        view = View(run, now, run.epochs(), outcome, (run.folder / runs.CHECKPOINT).exists())
        _views()[run.id] = stamp, view
    return view


def find(run_id: str) -> View | None:
    """A run, where there is one of that name."""
    try:
        return view_of(runs.find(run_id))
    except RunNotFound:
        return None


def newest_first() -> list[View]:
    """All runs."""
    return [view_of(run) for run in runs.newest_first()]


def running() -> list[Run]:
    """The runs that are under way; more than one where some were not started through the queue."""
    return [run for run in runs.newest_first() if run.state() == "running"]


@st.cache_resource(show_spinner=False)
def _views() -> dict[str, tuple[Stamp, View]]:
    """The last view of each run; one that is under way must not leave all its earlier ones behind."""
    return {}


def _stamp(folder: Path) -> Stamp:
    """Changes whenever a file of the run does."""
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    except OSError:  # A file went away meanwhile.
        return ()
