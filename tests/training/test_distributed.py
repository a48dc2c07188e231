"""One network trained by two processes that reach each other by the loopback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from har_core.config import PROJECT_ROOT
from har_core.errors import TeamLost, TrainingError
from tests.training.test_inputs import STRONG, examples, photos
from tests.training.test_runs import training, until  # noqa: F401 - a fixture
from training import checkpoint, inputs, network, runs, supervisor
from training.__main__ import main
from training.distributed import cluster
from training.inputs import Share
from training.recipe import Augmentation, Recipe
from training.runs import Run

# Batches of 8, of which the last one is smaller; dropout, balance and mixing as recipes have them.
PLAN = {
    "image_size": 64,
    "precision": "float32",
    "keep": "last",
    "patience": 0,
    "phases": [{"epochs": 2, "train_share": 0.1, "learning_rate": 1e-3}, {"epochs": 1, "train_share": 0.05}],
    "optimizer": {"batch_size": 8},
    "augmentation": {"mixup": 0.2, "rotate": 10},
    "regularization": {"balance": 0.5},
}


@pytest.mark.parametrize("options", [Augmentation(), STRONG])
@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_the_workers_shares_are_the_batch_to_the_bit(options, batch_size):
    whole = list(inputs.epoch(examples(photos()), options, batch_size, (0, 1)))
    for workers in (2, 3):
        shares = [
            inputs.epoch(examples(photos()), options, batch_size, (0, 1), Share(number, workers))
            for number in range(workers)
        ]
        for batch, *parts in zip(whole, *shares, strict=True):
            for wanted, *found in zip(batch, *parts, strict=True):
                assert np.array_equal(wanted, np.concatenate(found))


def weights_of(run):
    bundle = Path(run.outcome().bundle)
    return network.load(str(bundle), "efficientnet_lite0").get_weights()


def test_two_workers_do_what_one_does_even_if_one_of_them_is_killed(coloured_photos):
    alone = Run.create(Recipe.model_validate(PLAN), coloured_photos.name)
    assert main(alone) == 0
    command = [sys.executable, "-m", "har_cli", "train", "--resume"]
    together = Run.create(Recipe.model_validate(PLAN), coloured_photos.name)
    process = subprocess.Popen(
        [*command, together.id, "--workers", "2", "--json"],
        cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until(lambda: checkpoint.load(together.folder / runs.CHECKPOINT), 120)
        os.kill(helper_of(process.pid), signal.SIGKILL)
        said, complaints = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 0, (complaints, together.log())
    assert json.loads(said)["run"] == together.id
    assert any("is gone" in line for line in together.log()), "it was lost, and came again"
    for one, other in zip(alone.epochs(), together.epochs(), strict=True):
        assert other.loss == pytest.approx(one.loss, abs=1e-3)
        assert other.val_loss == pytest.approx(one.val_loss, abs=1e-3)
    before = network.build("efficientnet_lite0", 64, 3, 0.3).get_weights()
    moved = 0.0
    for begin, one, other in zip(before, weights_of(alone), weights_of(together), strict=True):
        assert other == pytest.approx(one, abs=1e-4)
        moved = max(moved, float(np.abs(one - begin).max()))
    assert moved > 1e-2, "there was something to be the same"


def helper_of(pid):
    """The process of worker 1."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            is_helper = b"training.distributed" in (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and is_helper:
            return int(path.parent.name)
    raise AssertionError("there is no worker 1")


def test_a_run_whose_workers_do_not_come_is_interrupted_and_can_be_resumed(training):  # noqa: F811
    closed = training('open(run_folder / "tries", "a").write("x"); sys.exit(75)')
    run = Run.create(Recipe(), "mine")
    with pytest.raises(TeamLost, match=f"--resume {run.id}"):
        supervisor.supervise(run, cluster=cluster.read("one:1,two:2"))
    assert (run.folder / "tries").read_text() == "xxxx"
    assert (run.state(), closed) == ("interrupted", [(run.id, "KILLED")])
    run.reopen()
    assert run.state() == "queued"


def test_workers_are_named_by_their_number_or_their_addresses(monkeypatch):
    assert len(set(cluster.read("3").addresses)) == 3
    named = cluster.read("one:1, two:2", 1)
    assert (named.addresses, named.number, named.is_chief, named.is_here) == (("one:1", "two:2"), 1, False, False)
    monkeypatch.setenv("TF_CONFIG", named.environment()["TF_CONFIG"])
    assert cluster.of_environment() == named
    monkeypatch.setenv("TF_CONFIG", "")
    assert cluster.of_environment() is None


@pytest.mark.parametrize(
    "text", ["", "1", "1000", "one", "one:1", "one:1,one:1", "one:1,two", "one:1,two:x", "a b:1,c:2"]
)
def test_what_names_no_workers_is_said_in_words(text):
    with pytest.raises(TrainingError, match=r"worker"):
        cluster.read(text)


@pytest.mark.parametrize(
    "config",
    ["{", "[]", '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}', '{"cluster": {"worker": 3}}'],
)
def test_a_tf_config_that_cannot_be_used_is_wrong_usage(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(TrainingError, match="TF_CONFIG"):
        cluster.of_environment()
