"""What a training will take, before it is started. Needs no TensorFlow."""

import os
import shutil
from dataclasses import dataclass
from statistics import median

from har_core.config import settings
from har_core.datasets.manifest import SPLITS, included
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError
from training import memory, queue, runs
from training.backbones.names import IMAGE_SIZES
from training.recipe import Recipe
from training.selection import Selection, select

# Milliseconds a photo on one core, forwards, at the backbone's own size; of others this is a guess. The runs that this
# machine has finished replace it.
_FORWARD = {"efficientnet_lite0": 7.0, "efficientnet_lite1": 10.0, "efficientnet_lite2": 15.0}
_GUESSED_FORWARD = 40.0
_DECODE = 3.0
_GUESSED_PIXELS = 224
# Starting TensorFlow, converting the network, writing the bundle.
_FIXED_SECONDS = 20.0
_FORM_SECONDS = 5.0
_SPREAD = 1.6
_BUNDLE_BYTES = 300_000_000
# TensorFlow, the network and its conversion; gradients and a batch's activations on top of that.
_HEAD_BYTES = 1_200_000_000
_FINE_TUNING_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Estimate:
    """What a training of a dataset would be.

    Attributes:
        photos: Split → how many are used.
        labels: Those that are learnt.
        left_out: Those with too few photos.
        unlabelled: Photos without a label that it would learn from, roughly: scenes that are measured on are left out.
        problems: Why it cannot be started, in sentences that say what to do; empty when it can.
        seconds_low: It will hardly take less.
        seconds_high: It will hardly take more.
    """

    photos: dict[str, int]
    labels: list[str]
    left_out: list[str]
    unlabelled: int
    problems: list[str]
    seconds_low: float
    seconds_high: float


def estimate(recipe: Recipe, dataset: Dataset, at_once: int = 1) -> Estimate:
    """Says what a training would use, how long it would take, and what stands against it.

    Args:
        recipe: What is to be trained.
        dataset: What it learns from.
        at_once: How many of such train on this machine at a time; 0 where others train.
    """
    try:
        selection = select(dataset, recipe.min_photos)
    except DatasetError as error:
        return Estimate({}, [], [], 0, [str(error)], 0.0, 0.0)
    photos = {split: len(selection.parts[split].rows) for split in SPLITS}
    unlabelled = int(included(dataset.manifest())["label"].isna().sum()) if recipe.teachers else 0
    seconds = _seconds(recipe, selection, dataset.info.images, unlabelled)
    return Estimate(
        photos=photos,
        labels=selection.labels,
        left_out=selection.left_out,
        unlabelled=unlabelled,
        problems=_problems(recipe, dataset, at_once),
        seconds_low=seconds / _SPREAD,
        seconds_high=seconds * _SPREAD,
    )


def _seconds(recipe: Recipe, selection: Selection, images: int, unlabelled: int) -> float:
    cores = len(os.sched_getaffinity(0))
    side = recipe.image_size or IMAGE_SIZES.get(recipe.backbone, _GUESSED_PIXELS)
    scale = (side / IMAGE_SIZES.get(recipe.backbone, _GUESSED_PIXELS)) ** 2
    forward = _FORWARD.get(recipe.backbone, _GUESSED_FORWARD) * scale / cores / 1000
    judged = len(selection.parts["val"].rows) + len(selection.parts["test"].rows)
    forms = 3 if recipe.precision == "auto" else 1
    total = _FIXED_SECONDS + forms * (_FORM_SECONDS + judged * forward)
    total += images * (forward + _DECODE / cores / 1000)
    trained, validated = len(selection.parts["train"].rows), len(selection.parts["val"].rows)
    # Each teacher is trained like the network itself, which then also learns from the photos without a label.
    teachers = recipe.teachers
    asked = 2 * teachers * (trained + unlabelled)
    trained, validated = (1 + teachers) * trained + unlabelled, (1 + teachers) * validated
    total += asked * forward
    for phase in recipe.phases:
        measured = _measured(recipe, side)
        # Backwards costs about twice as much as forwards, in the layers that are trained.
        a_photo = measured if measured is not None else forward * (1 + 2 * phase.train_share) * 2
        total += phase.epochs * (trained * a_photo + validated * forward)
    return total


def _measured(recipe: Recipe, side: int) -> float | None:
    """Seconds a photo and epoch, in the newest run of the same backbone and size on this machine."""
    for run in runs.newest_first():
        same = run.recipe.backbone == recipe.backbone and side == (run.recipe.image_size or side)
        paces = [epoch.seconds / epoch.photos for epoch in run.epochs() if epoch.photos] if same else []
        if paces:
            return median(paces)
    return None


def _problems(recipe: Recipe, dataset: Dataset, at_once: int) -> list[str]:
    return [problem for problem in (_lack_of_disk(recipe, dataset), _lack_of_memory(recipe, at_once)) if problem]


def _lack_of_memory(recipe: Recipe, at_once: int) -> str:
    """What is said where the system would kill the training; of machines that train for this one nothing is known."""
    free = memory.available()
    wanted = at_once * (_FINE_TUNING_BYTES if recipe.phases else _HEAD_BYTES)
    if not queue.starts_workers() or free is None or free >= wanted:
        return ""
    if at_once > 1:
        return (
            f"{at_once} trainings at a time take about {wanted / 1e9:.1f} GB of memory, and this machine has "
            f"{free / 1e9:.1f} GB to spare: they would be killed. Run fewer at a time, or on a larger machine."
        )
    return (
        f"A training takes about {wanted / 1e9:.1f} GB of memory, and this machine has {free / 1e9:.1f} GB to spare: "
        "it would be killed. Train on a larger machine with `har train`, and bring the model here by `har models "
        "export` and `har models import`."
    )


def _lack_of_disk(recipe: Recipe, dataset: Dataset) -> str:
    side = recipe.image_size or IMAGE_SIZES.get(recipe.backbone, _GUESSED_PIXELS)
    wanted = _BUNDLE_BYTES + 4000 * dataset.info.images
    if recipe.phases:
        wanted += side * side * 3 * dataset.info.images
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if free >= wanted:
        return ""
    return (
        f"This takes about {wanted / 1e9:.1f} GB of disk, and {home} has {free / 1e9:.1f} GB left. Make room, choose a "
        "smaller image size, or move HAR_HOME to a larger disk."
    )
