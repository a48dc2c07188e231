"""Fine-tunes the network, phase by phase, from the top down."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from training import checkpoint, head, inputs, network
from training.checkpoint import Checkpoint
from training.inputs import Examples
from training.recipe import Recipe
from training.runs import Epoch, Progress, Step
from training.selection import Part
from training.watcher import Watcher

if TYPE_CHECKING:
    from training.distributed.team import Stepping, Team

UInt8 = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]

_PREDICTED_AT_ONCE = 64
_SECONDS_BETWEEN_STEPS = 1.0


@dataclass(frozen=True)
class FineTuning:
    """Trains the network through a recipe's phases.

    Attributes:
        model: As made by ``network.build``, with its head fitted.
        train: What to train on.
        val: What to choose the epoch by: rows of ``train.photos``.
        labels: Their names.
        begin: The figures of the head that it begins with.
        recipe: Phases and options.
        state_file: Where the checkpoint is kept.
        watcher: Told how it goes.
        team: Other workers, who have begun this fine-tuning, too, and make its steps together; None: there are none.
    """

    model: keras.Model
    train: Examples
    val: Part
    labels: Sequence[str]
    begin: Epoch
    recipe: Recipe
    state_file: Path
    watcher: Watcher
    team: "Team | None" = None

    def run(self) -> None:
        """Trains the network in place, and leaves it with the weights that the recipe wants kept.

        One that was interrupted goes on after the last epoch that was completed, and ends with the same weights as if
        it had not been.
        """
        state = checkpoint.load(self.state_file) or self._fresh()
        self.watcher.epoch(state.epochs)
        while state.phase < len(self.recipe.phases):
            state = self._run_phase(state).next_phase()
        assign(self.model.variables, state.kept)

    def _fresh(self) -> Checkpoint:
        """The state before the first epoch."""
        weights = values_of(self.model.variables)
        return Checkpoint(0, 0, 0, weights, [], weights, [self.begin])

    def _run_phase(self, state: Checkpoint) -> Checkpoint:
        """Trains a phase to its end, or until it has not got better for a while."""
        phase = self.recipe.phases[state.phase]
        optimizer = compiled(self.model, self.recipe, state.phase, len(self.train.rows))
        step = self.team.stepping(self.model, optimizer) if self.team else Alone(self.model, optimizer)
        assign(self.model.variables, state.weights)
        if state.optimizer:
            assign(optimizer.variables, state.optimizer)
        while state.done < phase.epochs and not 0 < self.recipe.patience <= state.stale:
            state = self._run_epoch(state, step)
            state.save(self.state_file)
            self.watcher.epoch(state.epochs)
        return state

    def _run_epoch(self, state: Checkpoint, step: "Alone | Stepping") -> Checkpoint:
        started = time.monotonic()
        number, optimizer = state.epochs[-1].epoch + 1, step.optimizer
        if self.team:
            self.team.begin_epoch(state.phase, number, values_of(self.model.variables), values_of(optimizer.variables))
        figures = self._train_epoch(state, number, step)
        left = self._steps_left(state, self._steps) * (time.monotonic() - started) / self._steps
        self.watcher.progress(self._progress(state, number, self._steps, left, "judging the epoch"))
        weights = values_of(self.model.variables)
        with _averaged(self.model, optimizer):
            judged = self._judge()
            is_best = judged["val_loss"] < state.best_loss
            is_kept = is_best or self.recipe.keep == "last"
            kept = values_of(self.model.variables) if is_kept else state.kept
        epoch = Epoch(
            epoch=number,
            phase=state.phase + 1,
            learning_rate=float(optimizer.learning_rate),
            seconds=time.monotonic() - started,
            best=is_best,
            photos=len(self.train.rows),
            **figures,
            **judged,
        )
        return replace(
            state,
            done=state.done + 1,
            stale=0 if is_best else state.stale + 1,
            weights=weights,
            optimizer=values_of(optimizer.variables),
            kept=kept,
            epochs=[*state.epochs, epoch],
        )

    def _train_epoch(self, state: Checkpoint, number: int, stepping: "Alone | Stepping") -> dict[str, float]:
        """Trains on every photo once; gives the mean loss and accuracy."""
        epoch, recent = _Means(), _Means()
        self.watcher.progress(self._progress(state, number, 0, None))
        started = told = time.monotonic()
        for step, (photos, figures) in enumerate(steps(stepping, self.train, self.recipe, number), start=1):
            epoch.add(figures, photos)
            recent.add(figures, photos)
            now = time.monotonic()
            left = self._steps_left(state, step) * (now - started) / step
            self.watcher.progress(self._progress(state, number, step, left))
            if now - told > _SECONDS_BETWEEN_STEPS or step == self._steps:
                rate, total = float(stepping.optimizer.learning_rate), (number - 1) * self._steps + step
                self.watcher.step(Step(step=total, epoch=number, learning_rate=rate, **recent.values()))
                told, recent = now, _Means()
        return epoch.values()

    def _judge(self) -> dict[str, Any]:
        return head.judge(logits_of(self.model, self.train.photos, self.val.rows), self.val.truth, self.labels)

    def _progress(
        self, state: Checkpoint, number: int, step: int, seconds_left: float | None, what: str = "fine-tuning"
    ) -> Progress:
        return Progress(
            done=step,
            total=self._steps,
            what=f"{what}, phase {state.phase + 1} of {len(self.recipe.phases)}",
            epoch=number,
            epochs=self.recipe.epochs,
            seconds_left=seconds_left,
        )

    def _steps_left(self, state: Checkpoint, step: int) -> int:
        """Steps until the last phase is over, if none ends early."""
        epochs = sum(phase.epochs for phase in self.recipe.phases[state.phase :]) - state.done
        return epochs * self._steps - step

    @cached_property
    def _steps(self) -> int:
        return _steps_of(self.recipe, len(self.train.rows))


class Alone:
    """Makes the steps of a phase without other workers."""

    share = inputs.ALL

    def __init__(self, model: keras.Model, optimizer: keras.Optimizer) -> None:
        """Takes a network that is compiled."""
        self._model, self.optimizer = model, optimizer

    def __call__(self, batch: inputs.Batch, photos: int) -> dict[str, float]:
        """Makes a step; gives its loss and accuracy."""
        del photos
        figures: dict[str, float] = self._model.train_on_batch(*batch, return_dict=True)
        return figures


def steps(
    step: "Alone | Stepping", train: Examples, recipe: Recipe, number: int
) -> Iterator[tuple[int, dict[str, float]]]:
    """Makes the steps of an epoch.

    Args:
        step: Makes one.
        train: What to train on.
        recipe: How.
        number: The epoch's.

    Yields:
        After each step, how many photos all workers made it with, and its figures.
    """
    size, photos = recipe.optimizer.batch_size, len(train.rows)
    batches = inputs.epoch(train, recipe.augmentation, size, (recipe.seed, number), step.share)
    for start, batch in zip(range(0, photos, size), batches, strict=True):
        count = min(size, photos - start)
        yield count, step(batch, count)


def compiled(model: keras.Model, recipe: Recipe, number: int, photos: int) -> keras.Optimizer:
    """Makes a network ready for a phase.

    Args:
        model: As made by ``network.build``.
        recipe: How it is trained.
        number: Which of its phases.
        photos: How many it is trained on.

    Returns:
        The optimiser, which is new.
    """
    phase, options = recipe.phases[number], recipe.optimizer
    _freeze(model, phase.train_share)
    total = phase.epochs * _steps_of(recipe, photos)
    warmup = int(phase.warmup * total)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warmup), warmup_target=phase.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=options.weight_decay,
        global_clipnorm=options.clip_norm,
        use_ema=options.ema > 0,
        ema_momentum=options.ema or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    optimizer.build(model.trainable_variables)
    return optimizer


def _steps_of(recipe: Recipe, photos: int) -> int:
    """How many an epoch has."""
    return -(-photos // recipe.optimizer.batch_size)


def best_so_far(model: keras.Model, state_file: Path) -> bool:
    """Gives the model the best weights of an unfinished fine-tuning; whether there are any."""
    state = checkpoint.load(state_file)
    if state is not None:
        assign(model.variables, state.kept)
    return state is not None


class _Means:
    """Means of what the network says of each batch."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._photos = 0

    def add(self, figures: dict[str, float], photos: int) -> None:
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) * photos
        self._photos += photos

    def values(self) -> dict[str, float]:
        return {name: value / self._photos for name, value in self._sums.items()}


def logits_of(model: keras.Model, photos: UInt8, rows: Indices) -> Floats:
    """Runs the network as it is, without reading more photos at a time than it takes.

    Args:
        model: As made by ``network.build``.
        photos: uint8 ``(n, S, S, 3)``.
        rows: Of ``photos`` ``(m,)``.

    Returns:
        float32 ``(m, labels)``.
    """
    blocks = [rows[start : start + _PREDICTED_AT_ONCE] for start in range(0, len(rows), _PREDICTED_AT_ONCE)]
    return np.concatenate([model.predict_on_batch(photos[block].astype(np.float32)) for block in blocks])


def _freeze(model: keras.Model, train_share: float) -> None:
    """Leaves only the top of the backbone trainable, without batch normalisation."""
    layers = network.backbone_of(model).layers
    first = len(layers) - round(train_share * len(layers))
    for position, layer in enumerate(layers):
        layer.trainable = position >= first and not isinstance(layer, keras.layers.BatchNormalization)


@contextmanager
def _averaged(model: keras.Model, optimizer: keras.Optimizer) -> Iterator[None]:
    """Gives the model the moving average of its weights, where there is one, until the block ends."""
    if not optimizer.use_ema:
        yield
        return
    kept = values_of(model.trainable_variables)
    optimizer.finalize_variable_values(model.trainable_variables)
    yield
    assign(model.trainable_variables, kept)


def values_of(variables: Sequence[keras.Variable]) -> list[npt.NDArray[Any]]:
    """Copies of what variables hold."""
    return [variable.numpy() for variable in variables]


def assign(variables: Sequence[keras.Variable], values: Sequence[npt.NDArray[Any]]) -> None:
    """Gives variables what ``values_of`` took from them."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
