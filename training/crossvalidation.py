"""Cross-validates a recipe: ``python -m training.crossvalidation RECIPE --dataset NAME [--set KEY=VALUE …]``.

Tries are compared with this, and never by the test split, which is for the model that is kept in the end. The photos of
``train`` and ``val`` are dealt into folds, scene by scene; each fold is judged by a network that was trained on the
others. No network is chosen by the fold it is judged on: each is trained for as long as the recipe says, and its last
weights count.

What the networks said is kept under ``HAR_HOME/crossvalidation``, and a fold that is done is not trained again.
"""

import hashlib
import json
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import typer
from sklearn.model_selection import StratifiedGroupKFold

from har_core import scores
from har_core.config import settings
from har_core.datasets import duplicates, store
from har_core.datasets.manifest import fingerprint
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError, HarError, RecipeInvalid
from har_core.evaluation import calibration, metrics
from har_core.evaluation.metrics import Answers
from har_core.files import write_beside
from training import fit, starts
from training.recipe import Recipe
from training.recipe import load as load_recipe
from training.runs import Epoch
from training.selection import Part, Selection, select, with_unlabelled
from training.trainer import Trainer
from training.watcher import Watcher

log = logging.getLogger(__name__)

Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]

_ANSWERS = "fold-{}.npz"
_FOLDS = 5


@dataclass(frozen=True)
class OutOfFold:
    """What networks said of photos that they had not been trained on.

    Attributes:
        rows: Of the dataset ``(n,)``.
        truth: Label indices ``(n,)``.
        logits: ``(n, labels)``.
        mirrored: The same of the mirrored photos.
        folds: Which fold a photo belongs to ``(n,)``.
    """

    rows: Indices
    truth: Indices
    logits: Floats
    mirrored: Floats
    folds: Indices

    def both_ways(self) -> "OutOfFold":
        """What they would say if each were asked about the photo and its mirror image, and the mean taken."""
        return replace(self, logits=np.mean([self.logits, self.mirrored], axis=0, dtype=np.float32))

    def judged(self, sure_precision: float) -> Answers:
        """Each fold's answers, with the temperature and the bars that suit the other folds best.

        Args:
            sure_precision: Share of right answers wanted among the sure ones.
        """
        probabilities, energy = np.empty_like(self.logits), scores.energy(self.logits)
        sure = np.zeros(len(self.truth), bool)
        for fold in np.unique(self.folds):
            here, logits, truth = self.folds == fold, self.logits[self.folds != fold], self.truth[self.folds != fold]
            temperature = calibration.fit_temperature(logits, truth)
            bars = calibration.fit_thresholds(logits, truth, temperature, sure_precision)
            probabilities[here] = scores.probabilities(self.logits[here], temperature)
            sure[here] = (probabilities[here].max(axis=1) >= bars.confidence) & (energy[here] >= bars.energy)
        return Answers(probabilities, self.truth, sure, energy)


def folds(dataset: Dataset, selection: Selection, count: int = _FOLDS, seed: int = 0) -> Iterator[Selection]:
    """Deals the photos of ``train`` and ``val`` into folds; near-duplicates and photos of one scene stay together.

    Args:
        dataset: The dataset.
        selection: Its photos.
        count: How many folds.
        seed: The same seed gives the same folds.

    Yields:
        For each fold, a selection whose ``val`` is the fold, and whose ``train`` is all others. None has a ``test``.

    Raises:
        DatasetError: All photos of a label are in one fold, since they show too few scenes.
    """
    parts = selection.parts["train"], selection.parts["val"]
    rows = np.concatenate([part.rows for part in parts])
    truth = np.concatenate([part.truth for part in parts])
    scenes = pd.Series(duplicates.clusters(dataset.manifest()))[rows].astype(str)
    dealt = StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(rows, truth, scenes)
    for others, fold in dealt:
        missing = sorted({selection.labels[label] for label in set(truth) - set(truth[others])})
        if missing:
            raise DatasetError(
                f"All photos of {', '.join(missing)} show too few scenes to be dealt into {count} folds: add photos of "
                "other scenes, or raise the recipe's min_photos so that the label is left out."
            )
        both = {"train": Part(rows[others], truth[others]), "val": Part(rows[fold], truth[fold])}
        yield replace(selection, parts=both)


def cross_validate(dataset: Dataset, recipe: Recipe, count: int = _FOLDS, judged: int | None = None) -> OutOfFold:
    """Trains a network for each fold and asks it about that fold.

    Args:
        dataset: The dataset, split.
        recipe: What to try. Nothing ends early, and the last weights are kept, whatever it says.
        count: How many folds.
        judged: Only the first so many folds are judged: a first look for less time. All when absent.
    """
    judged = min(judged or count, count)
    recipe = as_validated(recipe)
    start = starts.model(recipe)
    if start and start.info.dataset.get("name") == dataset.name:
        raise RecipeInvalid(
            f"The model {recipe.start} has learnt from photos of {dataset.name}: it would be judged on photos that it "
            "knows. Start from imagenet, or from a model that was trained on others."
        )
    selection = select(dataset, recipe.min_photos)
    folder = place(dataset, recipe, count)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(recipe.model_dump_json(indent=2) + "\n", "utf-8")
    for number, fold in zip(range(judged), folds(dataset, selection, count), strict=False):
        if not (folder / _ANSWERS.format(number)).exists():
            used = with_unlabelled(fold, dataset) if recipe.teachers else fold
            _train_fold(dataset, recipe, used, folder, number)
    return answers(folder, judged)


def as_validated(recipe: Recipe) -> Recipe:
    """The recipe as the folds are trained with it: to its end, without a look at the fold."""
    return starts.pinned(recipe).model_copy(update={"patience": 0, "keep": "last"})


def place(dataset: Dataset, recipe: Recipe, count: int) -> Path:
    """Where the results of a recipe on a dataset are kept."""
    # Of all photos: which of those without a label are learnt from differs from fold to fold.
    learnt = fingerprint(dataset.manifest()) if recipe.teachers else select(dataset, recipe.min_photos).fingerprint
    facts = [recipe.model_dump(mode="json"), learnt, count]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return settings().home / "crossvalidation" / f"{dataset.name}-{digest[:12]}"


def answers(folder: Path, count: int = _FOLDS) -> OutOfFold:
    """Reads what the networks of the first so many folds said."""
    kept = [np.load(folder / _ANSWERS.format(number)) for number in range(count)]
    names = ("rows", "truth", "logits", "mirrored")
    rows, truth, logits, mirrored = (np.concatenate([fold[name] for fold in kept]) for name in names)
    return OutOfFold(rows, truth, logits, mirrored, np.repeat(np.arange(count), [len(fold["rows"]) for fold in kept]))


def _train_fold(dataset: Dataset, recipe: Recipe, fold: Selection, folder: Path, number: int) -> None:
    started = time.monotonic()
    keras.utils.set_random_seed(recipe.seed)
    state_file = folder / f"fold-{number}-checkpoint.npz"
    trainer = Trainer(recipe, dataset, fold, state_file, _Teller())
    model, photo = trainer.train()
    part = fold.parts["val"]
    photos = np.stack([photo(row) for row in part.rows])
    logits, mirrored = (fit.logits_of(model, views, np.arange(len(photos))) for views in (photos, photos[:, :, ::-1]))
    write_beside(
        folder / _ANSWERS.format(number),
        lambda path: np.savez(path, rows=part.rows, truth=part.truth, logits=logits, mirrored=mirrored),
    )
    for file in trainer.state_files:
        file.unlink(missing_ok=True)
    log.info(
        "fold %d: accuracy %.3f, %.0f s",
        number,
        (logits.argmax(axis=1) == part.truth).mean(),
        time.monotonic() - started,
    )


class _Teller(Watcher):
    """Logs each epoch."""

    def epoch(self, epochs: list[Epoch]) -> None:
        """Logs the newest."""
        last = epochs[-1]
        log.info(
            "epoch %d: loss %.3f, accuracy %.3f; fold: loss %.3f, accuracy %.3f, macro-F1 %.3f; %.0f s",
            *(last.epoch, last.loss, last.accuracy),
            *(last.val_loss, last.val_accuracy, last.val_macro_f1, last.seconds),
        )


def main(
    reference: Annotated[str, typer.Argument(metavar="RECIPE", help="A preset, or a TOML file.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="The dataset's name.")],
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe.")] = None,
    count: Annotated[int, typer.Option("--folds", min=2, help="How many folds.")] = _FOLDS,
    judged: Annotated[int | None, typer.Option(min=2, help="Judge only the first so many folds.")] = None,
) -> None:
    """Cross-validates a recipe; its figures are the last line, as JSON."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    started = time.monotonic()
    try:
        recipe = load_recipe(reference, changes or [])
        found = cross_validate(store.load(dataset), recipe, count, judged)
    except HarError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    figures, both = (
        {name: metric.model_dump() for name, metric in metrics.headline(answers.judged(recipe.sure_precision)).items()}
        for answers in (found, found.both_ways())
    )
    seconds = round(time.monotonic() - started)
    print(json.dumps({"n": len(found.rows), **figures, "both_ways": both, "seconds": seconds}))


if __name__ == "__main__":
    typer.run(main)
