"""One network trained by two processes that reach each other by the loopback."""

import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from typer.testing import CliRunner

from har_cli import train
from har_core.config import PROJECT_ROOT
from har_core.errors import TeamLost, TrainingError
from tests.training.test_fit import Recorder, tuning, weights
from tests.training.test_inputs import STRONG, examples, photos
from tests.training.test_runs import epoch, training  # noqa: F401 - a fixture
from tests.waiting import until
from training import checkpoint, inputs, supervisor
from training.distributed import cluster
from training.distributed.cluster import LOST
from training.inputs import Share
from training.recipe import Augmentation, Recipe
from training.runs import Run


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


@pytest.fixture(autouse=True)
def cores(monkeypatch):
    """These tests are about the cores, also where there are GPUs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@contextmanager
def two_workers(folder, seconds_a_step=0.0):
    """Starts both; yields their processes."""
    both = cluster.here(2)
    command = [sys.executable, "-m", "tests.training.tiny_worker", str(folder), str(seconds_a_step)]
    processes = []
    try:
        for number, seen in enumerate([both, *both.helpers_here()]):
            environment = {**os.environ, **seen.environment(), "TF_CPP_MIN_LOG_LEVEL": "2"}
            log = (folder / f"{number}.txt").open("ab")
            processes.append(subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log))
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_two_workers_learn_what_one_does_even_if_one_of_them_is_killed(tmp_path):
    alone = tuning(tmp_path / "alone", Recorder(), keep="last")
    before = weights(alone.model)
    alone.run()
    folder = tmp_path / "together"
    folder.mkdir()
    with two_workers(folder, seconds_a_step=0.5) as (chief, helper):
        until(lambda: checkpoint.load(folder / "state.npz"), process=chief, told=(folder / "0.txt").read_text)
        helper.kill()
        assert chief.wait(240) == LOST, "it does not wait for ever"
    assert checkpoint.load(folder / "state.npz").phase == 0, "it was in the middle"
    with two_workers(folder) as (chief, helper):
        assert (chief.wait(240), helper.wait(240)) == (0, 0), (folder / "0.txt").read_text()
    found = np.load(folder / "weights.npz")
    learnt = weights(alone.model)
    for name, one in zip(found.files, learnt, strict=True):
        assert found[name] == pytest.approx(one, abs=1e-4)
    moved = max(np.abs(one - begin).max() for one, begin in zip(learnt, before, strict=True))
    assert moved > 1e-2, "there was something to be the same"
    for one, other in zip(alone.watcher.epochs, checkpoint.load(folder / "state.npz").epochs, strict=True):
        assert (other.loss, other.val_loss) == pytest.approx((one.loss, one.val_loss), abs=1e-3)
        assert other.accuracy == pytest.approx(one.accuracy, abs=1e-3)


def test_a_run_whose_workers_do_not_come_is_interrupted_and_can_be_resumed(training):  # noqa: F811
    closed = training('open(run_folder / "tries", "a").write("x"); sys.exit(75)')
    run = Run.create(Recipe(), "mine")
    with pytest.raises(TeamLost, match=f"--resume {run.id}"):
        supervisor.supervise(run, cluster=cluster.read("one:1,two:2"))
    assert (run.folder / "tries").read_text() == "xxxx"
    assert (run.state(), closed) == ("interrupted", [(run.id, "KILLED")])
    run.reopen()
    assert run.state() == "queued"


def test_workers_that_were_lost_are_started_again(training):  # noqa: F811
    """The first try loses them; the second one trains to the end."""
    done = '(run_folder / "outcome.json").write_text(\'{"state": "done", "bundle": "there"}\')'
    training(
        f'sys.exit(75) if (run_folder / "tried").exists() is False and not (run_folder / "tried").touch() else {done}'
    )
    run = Run.create(Recipe(), "mine")
    assert supervisor.supervise(run, cluster=cluster.read("one:1,two:2")).state == "done"


def test_only_tries_without_an_epoch_count(training):  # noqa: F811
    """Of the first six, each but the first completes an epoch; then none does."""
    training(
        "import json; tries = run_folder / 'tries'; count = tries.stat().st_size if tries.exists() else 0\n"
        "with tries.open('a') as file: file.write('x')\n"
        f"(run_folder / 'epochs.json').write_text(json.dumps([{epoch(0).model_dump()}] * min(count, 5))); sys.exit(75)"
    )
    run = Run.create(Recipe(), "mine")
    with pytest.raises(TeamLost):
        supervisor.supervise(run, cluster=cluster.read("one:1,two:2"))
    assert len((run.folder / "tries").read_text()) == 6 + 3
    folder = run.folder
    (supervisor.PROJECT_ROOT / "training" / "distributed.py").write_text(
        f"import pathlib, sys; tries = pathlib.Path({str(folder)!r}, 'helps'); tries.open('a').write('x')\n"
        "sys.exit(76 if tries.stat().st_size < 7 else 75)"
    )
    with pytest.raises(TeamLost):
        supervisor.help_chief(cluster.read("one:1,two:2", 1))
    assert len((folder / "helps").read_text()) == 6 + 3


def test_workers_are_named_by_their_number_or_their_addresses(monkeypatch):
    assert len(set(cluster.read("3").addresses)) == 3
    named = cluster.read("one:1, two:2", 1)
    assert (named.addresses, named.number, named.is_chief, named.is_here) == (("one:1", "two:2"), 1, False, False)
    monkeypatch.setenv("TF_CONFIG", named.environment()["TF_CONFIG"])
    assert cluster.of_environment() == named
    monkeypatch.setenv("TF_CONFIG", "")
    assert cluster.of_environment() is None


def test_each_worker_on_a_machine_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-5")
    both = cluster.here(2)
    seen = [one.environment()["CUDA_VISIBLE_DEVICES"] for one in (both, *both.helpers_here())]
    assert seen == ["3", "GPU-5"]
    assert "CUDA_VISIBLE_DEVICES" not in cluster.read("one:1,two:2").environment()
    with pytest.raises(TrainingError, match="fewer"):
        cluster.here(3)
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert "CUDA_VISIBLE_DEVICES" not in cluster.here(3).environment()


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


@pytest.mark.parametrize(
    "arguments",
    [
        ["--worker", "1"],
        ["--workers", "nobody"],
        ["--workers", "a:1,b:2", "--worker", "2"],
        ["--workers", "2", "--queue"],
    ],
)
def test_workers_that_make_no_sense_are_wrong_usage(arguments):
    done = CliRunner().invoke(train.app, ["quick", "--dataset", "mine", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "worker" in done.stderr
