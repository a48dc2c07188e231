"""From a dataset's photos to a trained network: embed, fit the head, fine-tune."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from har_core.config import settings
from har_core.datasets import cache
from har_core.datasets.store import Dataset
from har_core.embedding import Embedder
from har_core.errors import DatasetError
from har_core.files import write_beside
from har_core.images import RGBImage
from training import backbones, distillation, fit, head, network
from training.fit import FineTuning
from training.inputs import Examples
from training.recipe import Recipe
from training.runs import Epoch, Progress
from training.selection import Selection
from training.watcher import Watcher

if TYPE_CHECKING:
    from training.distributed.team import Team


@dataclass(frozen=True)
class Trainer:
    """Trains one network.

    Attributes:
        recipe: How.
        dataset: Whose photos.
        selection: Which of them.
        state_file: Where the checkpoint is kept.
        watcher: Told how it goes.
        team: Other workers, who take part in fine-tuning; the rest is done here. None: there are none.
    """

    recipe: Recipe
    dataset: Dataset
    selection: Selection
    state_file: Path
    watcher: Watcher
    team: "Team | None" = None

    def train(self, finish: bool = False) -> tuple[keras.Model, Callable[[int], RGBImage]]:
        """Trains the network, or goes on where an interrupted training stopped.

        Args:
            finish: Train no further; take the best weights so far, where there are any.

        Returns:
            The network, as made by ``network.build``; and what reads a row's photo as it takes it.
        """
        recipe = self.recipe
        size = recipe.image_size or backbones.image_size(recipe.backbone)
        labels, dropout = len(self.selection.labels), recipe.regularization.dropout
        model = network.build(recipe.backbone, size, labels, dropout, recipe.start)
        if recipe.phases and recipe.serving_size:
            network.resized(model, recipe.serving_size, recipe)  # Better refused now than after hours.
        begin = self._fit_head(model)
        if not self.state_file.exists():
            self.watcher.epoch([begin])
        if not recipe.phases:
            return model, _reader(self.dataset, size)
        photos = cache.pixels(self.dataset, size, self.watcher.activity)
        self._require_readable(cache.unreadable(self.dataset, size))
        if not (finish and fit.best_so_far(model, self.state_file)):
            train = self.selection.parts["train"]
            examples = Examples.labelled(photos, train.rows, train.truth, labels, recipe.regularization)
            if recipe.teachers:
                examples = self._taught(model, examples, begin)
            self._fine_tune(model, examples, begin)
        self._adjust_logits(model)
        if recipe.serving_size:
            return network.resized(model, recipe.serving_size, recipe), _reader(self.dataset, recipe.serving_size)
        return model, photos.__getitem__

    @property
    def state_files(self) -> list[Path]:
        """Every file there may be that an interrupted training goes on from."""
        teachers = range(self.recipe.teachers)
        return [self.state_file, *map(self._teacher_file, teachers), *map(self._answers_file, teachers)]

    def _fit_head(self, model: keras.Model) -> Epoch:
        """Sets the model's head to the best one for the backbone as it is; gives its figures."""
        embedder = Embedder(file=_embedding_network(model, self.recipe))
        embeddings = cache.embeddings(self.dataset, self.watcher.activity, embedder)
        self._require_readable(cache.unreadable(self.dataset, embedder=embedder))
        self.watcher.activity(0, 1, "fitting the head")
        train, val = self.selection.parts["train"], self.selection.parts["val"]
        kernel, bias = head.fit(embeddings[train.rows], train.truth, self.recipe.head)
        model.get_layer("head").set_weights([kernel, bias])
        learnt, judged = ((embeddings[part.rows] @ kernel + bias, part.truth) for part in (train, val))
        return head.first_epoch(learnt, judged, self.selection.labels)

    def _taught(self, model: keras.Model, labelled: Examples, begin: Epoch) -> Examples:
        """What the network learns that has teachers; each of these is trained and asked, unless it was before."""
        rows = np.concatenate([labelled.rows, self.selection.unlabelled])
        fresh = fit.values_of(model.variables)
        for number in range(self.recipe.teachers):
            if self._answers_file(number).exists():
                continue
            teacher = self._teacher(number, self.recipe.teachers - number - 1 + len(rows) / len(labelled.rows))
            teacher._fine_tune(model, labelled, begin)
            teacher.watcher.activity(0, 1, "answering")
            both = (fit.logits_of(model, photos, rows) for photos in (labelled.photos, labelled.photos[:, :, ::-1]))
            answer = distillation.answer(*both)
            write_beside(self._answers_file(number), partial(np.savez, answer=answer))
            teacher.state_file.unlink()
            fit.assign(model.variables, fresh)
        answers = [np.load(self._answers_file(number))["answer"] for number in range(self.recipe.teachers)]
        return distillation.distilled(labelled, self.selection.unlabelled, answers, self.recipe.distillation.share)

    def _teacher(self, number: int, to_come: float) -> "Trainer":
        """Trains the same network in another way: it sees other crops, in another order."""
        return replace(
            self,
            recipe=self.recipe.model_copy(update={"seed": self.recipe.seed + number + 1}),
            state_file=self._teacher_file(number),
            watcher=_TeacherWatcher(self.watcher, f"teacher {number + 1} of {self.recipe.teachers}", to_come),
        )

    def _teacher_file(self, number: int) -> Path:
        return self.state_file.with_stem(f"{self.state_file.stem}-teacher-{number}")

    def _answers_file(self, number: int) -> Path:
        return self.state_file.with_stem(f"{self.state_file.stem}-answers-{number}")

    def _fine_tune(self, model: keras.Model, train: Examples, begin: Epoch) -> None:
        if self.team:
            self.team.begin(self.dataset, self.recipe, train)
        tuned = network.in_half_precision(model) if self.recipe.optimizer.mixed_precision else model
        FineTuning(
            model=tuned,
            train=train,
            val=self.selection.parts["val"],
            labels=self.selection.labels,
            begin=begin,
            recipe=self.recipe,
            state_file=self.state_file,
            watcher=self.watcher,
            team=self.team,
        ).run()
        model.set_weights(tuned.get_weights())

    def _adjust_logits(self, model: keras.Model) -> None:
        """Takes back some of what fine-tuning has learnt of the labels' frequencies; the head alone knows none."""
        counts = np.bincount(self.selection.parts["train"].truth)
        kernel, bias = model.get_layer("head").get_weights()
        bias -= self.recipe.regularization.logit_adjustment * np.log(counts / counts.sum())
        model.get_layer("head").set_weights([kernel, bias])

    def _require_readable(self, unreadable: dict[int, str]) -> None:
        used = {*self.selection.manifest.index, *self.selection.unlabelled}
        for row, message in unreadable.items():
            if row in used:
                path = self.dataset.base()["path"][row]
                raise DatasetError(f"{path}: {message} Put it back, or exclude it on the page Dataset, then resume.")


@dataclass(frozen=True)
class _TeacherWatcher(Watcher):
    """Passes on how far a teacher's training is, but not its figures: they are not those of the network to be kept.

    Attributes:
        watcher: To whom.
        name: The teacher's.
        to_come: How much there is to fine-tune after this one, in multiples of it.
    """

    watcher: Watcher
    name: str
    to_come: float

    def activity(self, done: int, total: int, what: str) -> None:
        self.watcher.activity(done, total, f"{self.name}: {what}")

    def progress(self, progress: Progress) -> None:
        changes = {"what": f"{self.name}: {progress.what}", "seconds_left": self._seconds_left(progress)}
        self.watcher.progress(progress.model_copy(update=changes))

    def _seconds_left(self, progress: Progress) -> float | None:
        if not (progress.seconds_left and progress.epoch and progress.epochs):
            return None  # Not known; or nothing is left of this teacher's, which says no more of those to come.
        left = 1 - (progress.epoch - 1 + progress.done / progress.total) / progress.epochs
        return progress.seconds_left * (1 + self.to_come / left)


def _embedding_network(model: keras.Model, recipe: Recipe) -> Path:
    """The model's backbone in LiteRT; converted once, and kept beside the embeddings that it makes."""
    digest = hashlib.sha256()
    for weights in network.backbone_of(model).get_weights():
        digest.update(weights.tobytes())
    name = "".join(letter if letter.isalnum() else "_" for letter in recipe.backbone)
    name = f"{name}-{model.input_shape[1]}-{digest.hexdigest()[:12]}"
    file = settings().home / "cache" / "backbones" / f"{name}.tflite"
    if not file.exists():
        content = backbones.to_tflite(network.backbone_of(model))
        write_beside(file, lambda path: path.write_bytes(content))
    return file


def _reader(dataset: Dataset, size: int) -> Callable[[int], RGBImage]:
    """Reads single photos: where few are needed, decoding all of them would take longer."""
    paths = dataset.base()["path"].to_numpy()
    return lambda row: cache.square(paths[row], size)
