"""Fitting, on a tiny network."""

import numpy as np
import pytest

from tests.conftest import tiny_network
from training import checkpoint, fit, head
from training.fit import FineTuning
from training.inputs import Examples
from training.recipe import Recipe
from training.selection import Part
from training.watcher import Watcher

LABELS = ["red", "green", "blue"]
PLAN = {
    "phases": [
        {"epochs": 3, "train_share": 1, "learning_rate": 0.01},
        {"epochs": 2, "train_share": 0.5, "learning_rate": 0.003},
    ],
    "regularization": {"dropout": 0.3, "balance": 0.5},
    "augmentation": {"mixup": 0.2},
    "patience": 0,
}


class Recorder(Watcher):
    """Keeps what it is told; may break off."""

    def __init__(self, stop_after=None):
        self.told, self.steps, self.epochs, self._stop_after = [], [], [], stop_after

    def progress(self, progress):
        self.told.append(progress)
        if len(self.told) == self._stop_after:
            raise KeyboardInterrupt

    def step(self, step):
        self.steps.append(step)

    def epoch(self, epochs):
        self.epochs = epochs


def photos():
    rng = np.random.default_rng(0)
    found = rng.integers(0, 120, (60, 32, 32, 3))
    for number in range(60):
        found[number, ..., number % 3] += 100
    return found.astype(np.uint8)


def tuning(tmp_path, watcher, **changes):
    import keras

    keras.utils.set_random_seed(1)
    model = tiny_network(dropout=0.3)
    train = Part(np.arange(45), np.arange(45) % 3)
    val = Part(np.arange(45, 60), np.arange(45, 60) % 3)
    plan = Recipe.model_validate(PLAN | changes)
    logits = [(fit.logits_of(model, photos(), part.rows), part.truth) for part in (train, val)]
    begin = head.first_epoch(*logits, LABELS)
    examples = Examples.labelled(photos(), train.rows, train.truth, 3, plan.regularization)
    return FineTuning(model, examples, val, LABELS, begin, plan, tmp_path / "state.npz", watcher)


def weights(model):
    return [variable.numpy() for variable in model.trainable_variables]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run to its end, that finds a checkpoint which cannot be read."""
    folder = tmp_path_factory.mktemp("straight")
    (folder / "state.npz").write_bytes(b"PK no zip")
    run = tuning(folder, Recorder())
    run.run()
    return run


@pytest.mark.parametrize("stop_after", [9, 19], ids=["in the second epoch", "in the second phase"])
def test_an_interrupted_run_ends_with_the_weights_of_a_straight_one(straight, tmp_path, stop_after):
    with pytest.raises(KeyboardInterrupt):
        tuning(tmp_path, Recorder(stop_after)).run()
    resumed = tuning(tmp_path, Recorder())
    resumed.run()
    for one, other in zip(weights(straight.model), weights(resumed.model), strict=True):
        assert np.array_equal(one, other)
    figures = [[epoch.model_dump(exclude={"seconds"}) for epoch in run.watcher.epochs] for run in (straight, resumed)]
    assert figures[0] == figures[1]


def test_a_damaged_checkpoint_is_as_good_as_none(straight):
    kept = checkpoint.load(straight.state_file)
    assert (kept.phase, kept.done) == (1, 2)
    assert straight.watcher.told[0].epoch == 1


def test_the_best_epoch_is_what_remains(straight):
    epochs = straight.watcher.epochs
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2, 3, 4, 5]
    assert [epoch.phase for epoch in epochs] == [0, 1, 1, 1, 2, 2]
    best = min(epochs, key=lambda epoch: epoch.val_loss)
    assert [epoch for epoch in epochs if epoch.best][-1] == best
    logits = fit.logits_of(straight.model, straight.train.photos, straight.val.rows)
    assert head.judge(logits, straight.val.truth, LABELS)["val_loss"] == pytest.approx(best.val_loss, abs=1e-5)


def test_the_last_epoch_remains_where_that_is_wanted(tmp_path):
    # A rate that spoils the network: the last epoch is not the best.
    spoilt = {"keep": "last", "phases": [{"epochs": 3, "train_share": 1, "learning_rate": 0.9}]}
    run = tuning(tmp_path, Recorder(), **spoilt)
    run.run()
    epochs = run.watcher.epochs
    assert epochs[-1].val_loss > epochs[0].val_loss
    assert not epochs[-1].best
    logits = fit.logits_of(run.model, run.train.photos, run.val.rows)
    assert head.judge(logits, run.val.truth, LABELS)["val_loss"] == pytest.approx(epochs[-1].val_loss, abs=1e-5)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_phase_ends_early_when_it_gets_no_better(tmp_path, keep):
    # A rate of nearly nothing: no epoch is better than the head.
    run = tuning(tmp_path, Recorder(), patience=2, keep=keep, phases=[{"epochs": 50, "learning_rate": 1e-12}])
    run.run()
    assert 3 <= len(run.watcher.epochs) < 50


def test_progress_says_how_much_is_left(straight):
    told = [item for item in straight.watcher.told if item.done and "fine-tuning" in item.what]
    assert len(told) == 5 * 3, "45 photos in batches of 16 are 3 steps an epoch"
    assert [item.epoch for item in told[::3]] == [1, 2, 3, 4, 5]
    assert told[-1].seconds_left == 0
    assert all(item.seconds_left > 0 for item in told[:-1])
    assert sum("judging" in item.what for item in straight.watcher.told) == 5
    assert {step.epoch for step in straight.watcher.steps} == {1, 2, 3, 4, 5}


def test_training_figures_are_means_over_the_epoch(tmp_path):
    run = tuning(tmp_path, Recorder(), augmentation={"crop": 1, "jitter": 0, "flip": False}, phases=[{"epochs": 1}])
    run.run()
    assert all(0 <= epoch.accuracy <= 1 and epoch.loss > 0 for epoch in run.watcher.epochs)
    assert len({round(epoch.accuracy * 45, 3) % 1 for epoch in run.watcher.epochs[1:]}) == 1, "of 45 photos"


def test_frozen_layers_keep_their_weights(tmp_path):
    run = tuning(tmp_path, Recorder(), phases=[{"epochs": 1, "train_share": 0.01}])
    before = [variable.numpy() for variable in run.model.layers[1].variables]
    run.run()
    for one, other in zip(before, run.model.layers[1].variables, strict=True):
        assert np.array_equal(one, np.array(other))


def test_the_head_tells_two_labels_apart():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 100)
    embeddings = rng.standard_normal((100, 8)).astype(np.float32) + truth[:, None]
    kernel, bias = head.fit(embeddings, truth, Recipe().head)
    assert kernel.shape == (8, 2)
    assert ((embeddings @ kernel + bias).argmax(axis=1) == truth).mean() > 0.8
