"""Trains a run: embed, fit, package, track."""

import logging
import subprocess  # nosec B404 # only to ask git for the revision
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import plotly.graph_objects as go
from sklearn.metrics import confusion_matrix

from har_core.config import PROJECT_ROOT, settings
from har_core.datasets import cache, store
from har_core.datasets.store import Dataset
from har_core.embedding import Embedder
from har_core.errors import DatasetError
from har_core.files import write_beside
from har_core.images import RGBImage
from training import backbones, fit, network, packaging, runs
from training.fit import FineTuning, UInt8, Watcher
from training.packaging import Packaged, Trained
from training.recipe import Recipe
from training.runs import Epoch, Outcome, Progress, Run, Step
from training.selection import Selection, select
from training.tracking import Tracker

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_WRITES = 0.3


class Reporter(Watcher):
    """Keeps what is to be known of a run in its folder, and in MLflow."""

    def __init__(self, run: Run, tracker: Tracker) -> None:
        """Begins with nothing to say."""
        self._run, self._tracker = run, tracker
        self._written, self._what, self._tracked = 0.0, "", -1

    def activity(self, done: int, total: int, what: str) -> None:
        """Takes note of how far something other than fine-tuning is; a ``har_core.progress.Progress``."""
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
    recipe, dataset = run.recipe, store.load(run.record.dataset)
    selection = select(dataset, recipe.min_photos)
    tracker = Tracker(run)
    reporter = Reporter(run, tracker)
    reporter.activity(0, 1, "starting")
    revision = code_revision()
    tracker.begin(
        {"dataset_fingerprint": selection.fingerprint, "code_revision": revision, "labels": len(selection.labels)}
    )
    log.info(
        "photos: %s; labels: %d, left out: %s",
        {name: len(part.rows) for name, part in selection.parts.items()},
        len(selection.labels),
        ", ".join(selection.left_out) or "none",
    )
    keras.utils.set_random_seed(recipe.seed)
    trained = _Fitting(run, dataset, selection, reporter).fit(revision)
    packaged = packaging.package(run, trained, reporter.activity)
    reporter.activity(0, 1, "keeping the result")
    tracker.finish(packaged.bundle, confusion_figure(packaged))
    (run.folder / runs.CHECKPOINT).unlink(missing_ok=True)
    run.end(
        Outcome(
            state="done",
            bundle=str(packaged.bundle.folder),
            metrics=packaged.bundle.info.evaluation.metrics,
            seconds=time.monotonic() - started,
        )
    )


def code_revision() -> str:
    """The commit of this code, with ``+changes`` where the tree differs from it; ``unknown`` outside a checkout."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+changes", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)  # nosec B603 B607
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def confusion_figure(packaged: Packaged) -> go.Figure:
    """The confusion matrix on the test split, in photos."""
    labels = packaged.bundle.info.labels
    counts = confusion_matrix(packaged.truth, packaged.probabilities.argmax(axis=1), labels=range(len(labels)))
    figure = go.Figure(go.Heatmap(z=counts, x=labels, y=labels, colorscale="Teal", texttemplate="%{z}"))
    figure.update_xaxes(title="found")
    return figure.update_yaxes(title="right", autorange="reversed")


@dataclass(frozen=True)
class _Fitting:
    """From photos to a trained network."""

    run: Run
    dataset: Dataset
    selection: Selection
    reporter: Reporter

    def fit(self, revision: str) -> Trained:
        """Fits the head, and the network where the recipe has phases."""
        recipe = self.run.recipe
        size = recipe.image_size or backbones.image_size(recipe.backbone)
        labels, dropout = len(self.selection.labels), recipe.regularization.dropout
        model = network.build(recipe.backbone, size, labels, dropout, recipe.pretrained)
        head = self._fit_head(model)
        if not recipe.phases:
            self.reporter.epoch([head])
            return Trained(model, self.selection, _reader(self.dataset, size), revision)
        photos = cache.pixels(self.dataset, size, self.reporter.activity)
        self._require_readable(cache.unreadable(self.dataset, size))
        state_file = self.run.folder / runs.CHECKPOINT
        if not (self.run.is_to_finish() and fit.best_so_far(model, state_file)):
            self._fine_tune(model, photos, head)
        return Trained(model, self.selection, photos.__getitem__, revision)

    def _fit_head(self, model: keras.Model) -> Epoch:
        """Sets the model's head to the best one for the backbone as it is; gives its figures."""
        embedder = Embedder(file=_embedding_network(model, self.run.recipe))
        embeddings = cache.embeddings(self.dataset, self.reporter.activity, embedder)
        self._require_readable(cache.unreadable(self.dataset, embedder=embedder))
        self.reporter.activity(0, 1, "fitting the head")
        train, val = self.selection.parts["train"], self.selection.parts["val"]
        kernel, bias = fit.fit_head(embeddings[train.rows], train.truth, self.run.recipe.head)
        model.get_layer("head").set_weights([kernel, bias])
        learnt, judged = ((embeddings[part.rows] @ kernel + bias, part.truth) for part in (train, val))
        return fit.judge_head(learnt, judged, self.selection.labels)

    def _fine_tune(self, model: keras.Model, photos: UInt8, head: Epoch) -> None:
        recipe = self.run.recipe
        tuned = network.in_half_precision(model) if recipe.optimizer.mixed_precision else model
        FineTuning(
            model=tuned,
            photos=photos,
            train=self.selection.parts["train"],
            val=self.selection.parts["val"],
            labels=self.selection.labels,
            head=head,
            recipe=recipe,
            state_file=self.run.folder / runs.CHECKPOINT,
            watcher=self.reporter,
        ).run()
        model.set_weights(tuned.get_weights())

    def _require_readable(self, unreadable: dict[int, str]) -> None:
        for row, message in unreadable.items():
            if row in self.selection.manifest.index:
                path = self.dataset.base()["path"][row]
                raise DatasetError(f"{path}: {message} Put it back, or exclude it on the page Dataset, then resume.")


def _embedding_network(model: keras.Model, recipe: Recipe) -> Path:
    """The model's backbone in LiteRT; converted once, and kept beside the embeddings that it makes."""
    start = "" if recipe.pretrained else f"-random-{recipe.seed}"
    name = "".join(letter if letter.isalnum() else "_" for letter in recipe.backbone)
    file = settings().home / "cache" / "backbones" / f"{name}-{model.input_shape[1]}{start}.tflite"
    if not file.exists():
        content = backbones.to_tflite(network.backbone_of(model))
        write_beside(file, lambda path: path.write_bytes(content))
    return file


def _reader(dataset: Dataset, size: int) -> Callable[[int], RGBImage]:
    """Reads single photos: where few are needed, decoding all of them would take longer."""
    paths = dataset.base()["path"].to_numpy()
    return lambda row: cache.square(paths[row], size)
