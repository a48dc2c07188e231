"""What a worker does that is not the chief: as it is told, until it is let go."""

from collections.abc import Iterator

import keras

from har_core.datasets import cache, store
from har_core.errors import DatasetError
from training import backbones, fit, network
from training.distributed.team import Message, Stepping, Team
from training.inputs import Examples
from training.recipe import Recipe


def follow(team: Team) -> Iterator[None]:
    """Takes part in every fine-tuning of a run.

    Yields:
        After each epoch.

    Raises:
        HarError: It cannot, for example because the photos are not here.
    """
    tuning: _FineTuning | None = None
    while (message := team.hear()).kind != "over":
        if message.kind == "begin":
            tuning = _FineTuning(team, message)
        elif tuning:
            tuning.make_epoch(message)
            yield


class _FineTuning:
    """One fine-tuning, of the network or of a teacher."""

    def __init__(self, team: Team, message: Message) -> None:
        self._team = team
        self._recipe = recipe = Recipe.model_validate(message.facts["recipe"])
        rows, targets, weights = message.arrays["examples"]
        size = recipe.image_size or backbones.image_size(recipe.backbone)
        self._train = Examples(_photos(message, size), rows, targets, weights)
        # What it begins with comes from the chief, so it does not matter which weights it is built with.
        start = "random" if recipe.start == "random" else "imagenet"
        model = network.build(recipe.backbone, size, targets.shape[1], recipe.regularization.dropout, start)
        self._model: keras.Model = network.in_half_precision(model) if recipe.optimizer.mixed_precision else model
        self._phase = -1
        self._step: Stepping | None = None

    def make_epoch(self, message: Message) -> None:
        phase, number = message.facts["phase"], message.facts["number"]
        if self._step is None or phase != self._phase:
            optimizer = fit.compiled(self._model, self._recipe, phase, len(self._train.rows))
            self._phase, self._step = phase, self._team.stepping(self._model, optimizer)
        fit.assign(self._model.variables, message.arrays["weights"])
        fit.assign(self._step.optimizer.variables, message.arrays["optimizer"])
        for _ in fit.steps(self._step, self._train, self._recipe, number):
            pass


def _photos(message: Message, size: int) -> fit.UInt8:
    dataset = store.load(message.facts["dataset"])
    if dataset.info.images_fingerprint != message.facts["images"]:
        raise DatasetError(
            f"The dataset {dataset.name} has other photos here than where the training was started: let all hosts "
            "share one HAR_HOME."
        )
    return cache.pixels(dataset, size)
