"""Trains a run: embed, fit, package, track."""

import logging
import subprocess  # nosec B404 - only to ask git for the revision
import time
from collections.abc import Callable
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
from training.fit import FineTuning, Watcher
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
    trained = _fit(run, dataset, selection, reporter, revision)
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


def _fit(run: Run, dataset: Dataset, selection: Selection, reporter: Reporter, revision: str) -> Trained:
    recipe = run.recipe
    size = recipe.image_size or backbones.image_size(recipe.backbone)
    model = network.build(
        recipe.backbone, size, len(selection.labels), recipe.regularization.dropout, recipe.pretrained
    )
    _fit_head(model, recipe, dataset, selection, reporter)
    photo = _reader(dataset, size)
    if recipe.phases:
        photos = cache.pixels(dataset, size, reporter.activity)
        _require_readable(dataset, selection, cache.unreadable(dataset, size))
        photo = photos.__getitem__
        state_file = run.folder / runs.CHECKPOINT
        if not (run.is_to_finish() and fit.best_so_far(model, state_file)):
            tuned = network.in_half_precision(model) if recipe.optimizer.mixed_precision else model
            train_part, val_part = selection.parts["train"], selection.parts["val"]
            FineTuning(tuned, photos, train_part, val_part, selection.labels, recipe, state_file, reporter).run()
            model.set_weights(tuned.get_weights())
    return Trained(model, selection, photo, revision)


def _fit_head(model: keras.Model, recipe: Recipe, dataset: Dataset, selection: Selection, reporter: Reporter) -> None:
    """Sets the model's head to the best one for the backbone as it is."""
    embedder = Embedder(file=_embedding_network(model, recipe))
    embeddings = cache.embeddings(dataset, reporter.activity, embedder)
    _require_readable(dataset, selection, cache.unreadable(dataset, embedder=embedder))
    reporter.activity(0, 1, "fitting the head")
    train, val = selection.parts["train"], selection.parts["val"]
    kernel, bias = fit.fit_head(embeddings[train.rows], train.truth, recipe.head)
    model.get_layer("head").set_weights([kernel, bias])
    figures = fit.judge(embeddings[val.rows] @ kernel + bias, val.truth, selection.labels)
    log.info("head: validation accuracy %.3f, macro-F1 %.3f", figures["val_accuracy"], figures["val_macro_f1"])


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


def _require_readable(dataset: Dataset, selection: Selection, unreadable: dict[int, str]) -> None:
    for row, message in unreadable.items():
        if row in selection.manifest.index:
            raise DatasetError(
                f"{dataset.base()['path'][row]}: {message} Put it back, or exclude it on the page Dataset, then resume."
            )
