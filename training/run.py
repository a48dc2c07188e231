"""Trains a recipe from photos to bundle: split, fit, calibrate, export, check, evaluate."""

import logging
import platform
import subprocess  # nosec B404 - only to ask git for the revision
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import softmax

from har_core import bundle as bundles
from har_core.bundle import Bundle, BundleInfo, Evaluation, Thresholds
from har_core.config import PROJECT_ROOT
from har_core.datasets import cache
from har_core.datasets.manifest import SPLITS, fingerprint, included
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError
from har_core.evaluation import calibration, metrics
from har_core.predictor import Predictor
from training import card, export, fit, network
from training.recipe import Recipe

log = logging.getLogger(__name__)

_PARITY_PHOTOS = 100
_PARITY_TOLERANCE = 1e-3

Photos = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One split, decoded: photos uint8 ``(n, S, S, 3)`` and label indices ``(n,)``."""

    photos: Photos
    truth: Indices


def train(recipe: Recipe, dataset: Dataset, folder: Path) -> Bundle:
    """Trains a model and writes its bundle to ``folder / "NAME@VERSION"``.

    Args:
        recipe: How to train.
        dataset: What to train on; photos without a label or a split are left out.
        folder: Where bundles are kept.

    Raises:
        DatasetError: A label is missing from one of the splits, or a photo cannot be read; it is named.
        RuntimeError: LiteRT and Keras give different answers.
        FileExistsError: That version exists already.
    """
    destination = folder / f"{recipe.name}@{recipe.version}"
    if destination.exists():
        raise FileExistsError(f"{destination} exists already: give the recipe a new version.")
    revision = code_revision()
    keras.utils.set_random_seed(recipe.seed)
    left_out, manifest, labels = _choose(recipe, included(dataset.manifest()))
    photos = _pixels(dataset, recipe.image_size)
    parts = {str(name): _part(rows, labels, photos) for name, rows in manifest.groupby("split")}
    log.info("photos: %s; labels: %d", {name: len(part.truth) for name, part in parts.items()}, len(labels))

    model = _fit(recipe, parts, len(labels))
    logits = model.predict(parts["val"].photos, verbose=0)
    temperature = calibration.fit_temperature(logits, parts["val"].truth)
    threshold = _threshold(softmax(logits / temperature, axis=1), parts["val"].truth, recipe.sure_precision)

    draft = BundleInfo(
        name=recipe.name,
        version=recipe.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=labels,
        input_size=recipe.image_size,
        temperature=temperature,
        thresholds=Thresholds(confidence=threshold, precision=recipe.sure_precision),
        evaluation=Evaluation(split="test", n=0, metrics={}),
        dataset={
            "fingerprint": fingerprint(manifest),
            "labels_left_out": ", ".join(left_out),
            **{name: len(part.truth) for name, part in parts.items()},
        },
        recipe=recipe.model_dump(),
        code_revision=revision,
        sha256={},
    )
    return _write(model, draft, parts["test"], manifest, destination)


def code_revision() -> str:
    """The commit of this code, with ``+changes`` where the tree differs from it; ``unknown`` outside a checkout."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+changes", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)  # nosec B603 B607
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _choose(recipe: Recipe, manifest: pd.DataFrame) -> tuple[list[str], pd.DataFrame, list[str]]:
    """Leaves out labels with too few photos: gives those labels, the photos that stay, and their labels."""
    manifest = manifest[manifest["label"].notna() & manifest["split"].notna()]
    counts = manifest["label"].value_counts()
    labels = sorted(counts[counts >= recipe.min_photos].index)
    left_out = sorted(set(counts.index) - set(labels))
    log.info("labels left out for want of photos: %s", left_out or "none")
    manifest = manifest[manifest["label"].isin(labels)]
    splits = manifest.groupby("label")["split"].nunique()
    poor = sorted(splits[splits < len(SPLITS)].index)
    if len(labels) < 2 or poor:
        raise DatasetError(
            f"Each label needs photos of at least three scenes, and there must be two labels; short of that: "
            f"{', '.join(poor) or 'the whole set'}."
        )
    return left_out, manifest, labels


def _pixels(dataset: Dataset, size: int) -> Photos:
    """All photos of the dataset, decoded; one that has become unreadable since the import ends the training."""
    photos = cache.pixels(dataset, size)
    unreadable = cache.unreadable(dataset, size)
    if unreadable:
        row, message = next(iter(unreadable.items()))
        raise DatasetError(f"{dataset.base()['path'][row]}: {message}")
    return photos


def _part(rows: pd.DataFrame, labels: list[str], photos: Photos) -> Part:
    truth = pd.Categorical(rows["label"], categories=labels).codes.astype(np.int64)
    return Part(photos[rows.index.to_numpy()], truth)


def _fit(recipe: Recipe, parts: dict[str, Part], labels: int) -> keras.Model:
    started = time.monotonic()
    train, val = parts["train"], parts["val"]
    model = network.build(recipe.backbone, recipe.image_size, labels, recipe.finetune.dropout)
    fit.fit_head(model, train.photos, train.truth, recipe.head)
    right = model.predict(val.photos, verbose=0).argmax(axis=1) == val.truth
    log.info("head: validation accuracy %.3f after %.0f s", right.mean(), time.monotonic() - started)
    if recipe.finetune.epochs:
        fit.fine_tune(model, (train.photos, train.truth), (val.photos, val.truth), recipe.finetune, recipe.seed)
    log.info("fitted after %.0f s on %s", time.monotonic() - started, platform.machine())
    return model


def _threshold(probabilities: npt.NDArray[np.float32], truth: Indices, precision: float) -> float:
    right = probabilities.argmax(axis=1) == truth
    return calibration.fit_threshold(probabilities.max(axis=1), right, precision)


def _write(model: keras.Model, draft: BundleInfo, test: Part, manifest: pd.DataFrame, destination: Path) -> Bundle:
    """Exports, checks and evaluates in a temporary bundle; only then writes the real one."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = {name: folder / name for name in (bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD)}
        _without_optimizer(model).save(files[bundles.KERAS])
        files[bundles.TFLITE].write_bytes(export.to_tflite(model))
        files[bundles.GOLDEN].write_text("{}")
        files[bundles.CARD].write_text("")
        trial = bundles.write(folder / "trial", files, lambda sha256: draft.model_copy(update={"sha256": sha256}))

        predictor = Predictor(trial)
        probabilities = np.stack([predictor.probabilities(photo) for photo in test.photos])
        _check_parity(model, draft.temperature, test.photos, probabilities)
        info = draft.model_copy(update={"evaluation": _evaluate(probabilities, test.truth, draft.thresholds)})
        bundles.write_golden(files[bundles.GOLDEN], predictor.probabilities, draft.input_size)
        files[bundles.CARD].write_text(card.render(info, manifest, probabilities, test.truth), "utf-8")
        return bundles.write(destination, files, lambda sha256: info.model_copy(update={"sha256": sha256}))


def _without_optimizer(model: keras.Model) -> keras.Model:
    """The same network without the optimiser's state, which is three times as large."""
    bare = keras.Model.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    return bare


def _check_parity(
    model: keras.Model, temperature: float, photos: Photos, probabilities: npt.NDArray[np.float32]
) -> None:
    expected = softmax(model.predict(photos[:_PARITY_PHOTOS], verbose=0) / temperature, axis=1)
    difference = float(np.abs(expected - probabilities[:_PARITY_PHOTOS]).max())
    log.info("parity: largest difference of a probability %.2g on %d photos", difference, len(expected))
    if not difference <= _PARITY_TOLERANCE:
        raise RuntimeError(f"LiteRT differs from Keras by {difference:.2g}, more than {_PARITY_TOLERANCE:g}")


def _evaluate(probabilities: npt.NDArray[np.float32], truth: Indices, thresholds: Thresholds) -> Evaluation:
    figures: dict[str, metrics.Figure] = {
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
        "ece": metrics.ece,
        "sure_share": metrics.sure_share(thresholds.confidence),
        "sure_accuracy": metrics.sure_accuracy(thresholds.confidence),
    }
    found = {name: metrics.with_interval(figure, probabilities, truth) for name, figure in figures.items()}
    for name, metric in found.items():
        log.info("test %s: %.3f (%.3f-%.3f), n = %d", name, metric.value, metric.low, metric.high, len(truth))
    return Evaluation(split="test", n=len(truth), metrics=found)
