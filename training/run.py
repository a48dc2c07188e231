"""Trains a run: fit, package, track."""

import logging
import subprocess  # nosec B404 # only to ask git for the revision
import time

import keras
import plotly.graph_objects as go
from sklearn.metrics import confusion_matrix

from har_core.config import PROJECT_ROOT
from har_core.datasets import store
from training import packaging, registry, runs, starts
from training.distributed.cluster import of_environment
from training.distributed.team import Team
from training.forms import Trained
from training.packaging import Packaged
from training.runs import Epoch, Outcome, Progress, Run, Step
from training.selection import select, with_unlabelled
from training.tracking import Tracker
from training.trainer import Trainer
from training.watcher import Watcher

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_WRITES = 0.3


class Reporter(Watcher):
    """Keeps what is to be known of a run in its folder, and in MLflow."""

    def __init__(self, run: Run, tracker: Tracker) -> None:
        """Begins with nothing to say."""
        self._run, self._tracker = run, tracker
        self._written, self._what, self._tracked = 0.0, "", -1

    def activity(self, done: int, total: int, what: str) -> None:
        """Takes note of how far something other than fine-tuning is."""
        self.progress(Progress(done=done, total=total, what=what))

    def progress(self, progress: Progress) -> None:
        """Takes note of how far it is."""
        now = time.monotonic()
        if progress.what != self._what or now - self._written > _SECONDS_BETWEEN_WRITES:
            self._written, self._what = now, progress.what
            self._run.keep_progress(progress)

    def step(self, step: Step) -> None:
        """Takes note of the figures of some steps."""
        self._run.add_step(step)

    def epoch(self, epochs: list[Epoch]) -> None:
        """Takes note of the figures of all epochs so far."""
        self._run.keep_epochs(epochs)
        last = epochs[-1]
        if last.epoch > self._tracked:
            self._tracked = last.epoch
            self._tracker.epoch(last)
        log.info("epoch %d: %s", last.epoch, last.model_dump(exclude={"epoch", "recall"}))


def train(run: Run) -> None:
    """Trains a run to its end and keeps its outcome; one that was interrupted goes on where it stopped.

    Raises:
        HarError: It cannot be trained; the sentence says why.
        OSError: A file cannot be read or written, perhaps because the disk is full.
    """
    started = time.monotonic()
    cluster = of_environment()
    team = Team(cluster) if cluster else None
    recipe, dataset = run.recipe, store.load(run.record.dataset)
    selection = select(dataset, recipe.min_photos)
    if recipe.teachers:
        selection = with_unlabelled(selection, dataset)
    tracker = Tracker(run)
    reporter = Reporter(run, tracker)
    reporter.activity(0, 1, "starting")
    revision = code_revision()
    tracker.begin(
        {
            "dataset_fingerprint": selection.fingerprint,
            "code_revision": revision,
            "labels": len(selection.labels),
            "workers": len(cluster.addresses) if cluster else 1,
        }
    )
    log.info(
        "photos: %s, without a label: %d; labels: %d, left out: %s",
        {name: len(part.rows) for name, part in selection.parts.items()},
        len(selection.unlabelled),
        len(selection.labels),
        ", ".join(selection.left_out) or "none",
    )
    starts.require_blind(recipe, dataset, selection)
    if recipe.outliers:
        store.load(recipe.outliers)  # Better missed now than after hours.
    keras.utils.set_random_seed(recipe.seed)
    trainer = Trainer(recipe, dataset, selection, run.folder / runs.CHECKPOINT, reporter, team)
    model, photo = trainer.train(run.is_to_finish())
    if team:
        team.dismiss()
    if run.record.trial:
        tracker.close("FINISHED")
        outcome = Outcome(state="done")
    else:
        trained = Trained(model, selection, dataset.base(), photo, revision, recipe.both_ways)
        outcome = _package(run, trained, tracker, reporter)
    for file in trainer.state_files:
        file.unlink(missing_ok=True)
    run.end(outcome.model_copy(update={"seconds": time.monotonic() - started}))


def _package(run: Run, trained: Trained, tracker: Tracker, reporter: Reporter) -> Outcome:
    """Makes a bundle of what was trained."""
    packaged = packaging.package(run, trained, reporter.activity)
    reporter.activity(0, 1, "keeping the result")
    tracker.finish(packaged.bundle, confusion_figure(packaged))
    if not tracker.has_failed:
        registry.mirror()
    metrics = packaged.bundle.info.evaluation.metrics
    return Outcome(state="done", bundle=str(packaged.bundle.folder), metrics=metrics)


def code_revision() -> str:
    """The commit of this code, with ``+changes`` where the tree differs from it; ``unknown`` outside a checkout."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+changes", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)  # nosec B603
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def confusion_figure(packaged: Packaged) -> go.Figure:
    """The confusion matrix on the test split, in photos."""
    labels = packaged.bundle.info.labels
    counts = confusion_matrix(packaged.answers.truth, packaged.answers.found, labels=range(len(labels)))
    figure = go.Figure(go.Heatmap(z=counts, x=labels, y=labels, colorscale="Teal", texttemplate="%{z}"))
    figure.update_xaxes(title="found")
    return figure.update_yaxes(title="right", autorange="reversed")
