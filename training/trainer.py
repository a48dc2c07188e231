"""From a dataset's photos to a trained network: embed, fit the head, fine-tune."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from har_core.config import settings
from har_core.datasets import cache
from har_core.datasets.store import Dataset
from har_core.embedding import Embedder
from har_core.errors import DatasetError
from har_core.files import write_beside
from har_core.images import RGBImage
from training import backbones, fit, network
from training.fit import FineTuning, UInt8, Watcher
from training.recipe import Recipe
from training.runs import Epoch
from training.selection import Selection


@dataclass(frozen=True)
class Trainer:
    """Trains one network.

    Attributes:
        recipe: How.
        dataset: Whose photos.
        selection: Which of them.
        state_file: Where the checkpoint is kept.
        watcher: Told how it goes.
    """

    recipe: Recipe
    dataset: Dataset
    selection: Selection
    state_file: Path
    watcher: Watcher

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
        head = self._fit_head(model)
        if not recipe.phases:
            self.watcher.epoch([head])
            return model, _reader(self.dataset, size)
        photos = cache.pixels(self.dataset, size, self.watcher.activity)
        self._require_readable(cache.unreadable(self.dataset, size))
        if not (finish and fit.best_so_far(model, self.state_file)):
            self._fine_tune(model, photos, head)
        return model, photos.__getitem__

    def _fit_head(self, model: keras.Model) -> Epoch:
        """Sets the model's head to the best one for the backbone as it is; gives its figures."""
        embedder = Embedder(file=_embedding_network(model, self.recipe))
        embeddings = cache.embeddings(self.dataset, self.watcher.activity, embedder)
        self._require_readable(cache.unreadable(self.dataset, embedder=embedder))
        self.watcher.activity(0, 1, "fitting the head")
        train, val = self.selection.parts["train"], self.selection.parts["val"]
        kernel, bias = fit.fit_head(embeddings[train.rows], train.truth, self.recipe.head)
        model.get_layer("head").set_weights([kernel, bias])
        learnt, judged = ((embeddings[part.rows] @ kernel + bias, part.truth) for part in (train, val))
        return fit.judge_head(learnt, judged, self.selection.labels)

    def _fine_tune(self, model: keras.Model, photos: UInt8, head: Epoch) -> None:
        tuned = network.in_half_precision(model) if self.recipe.optimizer.mixed_precision else model
        FineTuning(
            model=tuned,
            photos=photos,
            train=self.selection.parts["train"],
            val=self.selection.parts["val"],
            labels=self.selection.labels,
            head=head,
            recipe=self.recipe,
            state_file=self.state_file,
            watcher=self.watcher,
        ).run()
        model.set_weights(tuned.get_weights())

    def _require_readable(self, unreadable: dict[int, str]) -> None:
        for row, message in unreadable.items():
            if row in self.selection.manifest.index:
                path = self.dataset.base()["path"][row]
                raise DatasetError(f"{path}: {message} Put it back, or exclude it on the page Dataset, then resume.")


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
