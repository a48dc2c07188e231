"""Runs on disk, and who runs them."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from har_core.errors import RunNotFound, TrainingError
from tests.waiting import until
from training import runs, supervisor, tracking
from training.recipe import Recipe
from training.runs import Epoch, Outcome, Progress, Run, Step


def epoch(number, **changes):
    values = {
        "epoch": number, "phase": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5,
        "val_macro_f1": 0.5, "learning_rate": 0.1, "seconds": 1.0, "recall": {"red": 1.0}, "best": True,
    }  # fmt: skip
    return Epoch(**(values | changes))


def step(number, epoch_number):
    return Step(step=number, epoch=epoch_number, loss=1.0, accuracy=0.5, learning_rate=0.1)


@pytest.fixture
def run():
    return Run.create(Recipe(), "mine")


@pytest.fixture
def training(monkeypatch, tmp_path):
    """Puts some Python in the place of the training; ``run_folder`` is given to it."""
    closed = []
    monkeypatch.setattr(tracking, "close", lambda run, status: closed.append((run.id, status)))

    def replace(code: str):
        package = tmp_path / "fake" / "training"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(
            f"import os, pathlib, sys, time\nrun_folder = pathlib.Path({str(runs.root())!r}, sys.argv[1])\n{code}\n"
        )
        monkeypatch.setattr(supervisor, "PROJECT_ROOT", package.parent)
        return closed

    return replace


DONE = '(run_folder / "outcome.json").write_text(\'{"state": "done", "bundle": "there"}\')'


def test_a_run_is_named_for_its_model_and_waits(run):
    assert run.model == "mine"
    assert run.id.startswith("mine-")
    assert run.state() == "queued"
    assert runs.find(run.id).recipe == run.recipe
    assert Run.create(Recipe(name="other"), "mine").model == "other"


@pytest.mark.parametrize("name", ["", ".", "..", "../datasets", "nothing", "a/b", "x" * 300, "a\0b"])
def test_a_run_that_is_not_there_is_said_so(name):
    with pytest.raises(RunNotFound):
        runs.find(name)


def test_curves_are_kept_and_what_was_repeated_is_forgotten(run):
    run.add_step(step(1, 1))
    run.keep_epochs([epoch(0), epoch(1)])
    run.add_step(step(2, 2))
    run.add_step(step(3, 2))
    assert [item.step for item in run.steps()] == [1, 2, 3]
    # What a resumed run says first: epoch 2 had not been completed, and is trained again.
    run.keep_epochs([epoch(0), epoch(1)])
    assert [item.step for item in run.steps()] == [1]
    assert [item.epoch for item in run.epochs()] == [0, 1]


def test_damaged_files_are_as_good_as_none(run):
    for name in ("progress.json", "epochs.json", "outcome.json", "steps.jsonl"):
        (run.folder / name).write_text('{"cut of')
    assert (run.progress(), run.epochs(), run.outcome(), run.steps()) == (None, [], None, [])
    assert run.state() == "queued"
    (run.folder / "run.json").write_text("")
    assert runs.newest_first() == []


def test_runs_are_listed_newest_first():
    first, second = Run.create(Recipe(), "a"), Run.create(Recipe(), "b")
    assert [run.id for run in runs.newest_first()] == [second.id, first.id]


def test_a_training_is_done_when_it_says_so(run, training):
    training(DONE)
    assert supervisor.supervise(run).bundle == "there"
    assert run.state() == "done"


def test_what_it_prints_is_kept(run, training):
    training("print('hello'); print('oh', file=sys.stderr); " + DONE)
    supervisor.supervise(run)
    assert set(run.log()) == {"hello", "oh"}


def test_cancelling_stops_it_with_all_its_processes(run, training):
    closed = training(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "(run_folder / 'pid').write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    thread = threading.Thread(target=supervisor.supervise, args=[run])
    thread.start()
    until(lambda: (run.folder / "pid").exists() and (run.folder / "pid").read_text())
    assert run.state() == "running"
    run.cancel()
    until(lambda: run.state() == "cancelled")
    thread.join()
    assert closed == [(run.id, "KILLED")]
    child = int((run.folder / "pid").read_text())
    until(lambda: not is_running(child))


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_one_that_breaks_off_has_failed_with_a_reason(run, training):
    closed = training("sys.exit(3)")
    assert "status 3" in supervisor.supervise(run).message
    assert closed == [(run.id, "FAILED")]


def test_one_that_is_killed_may_have_lacked_memory(run, training):
    training("os.kill(os.getpid(), 9)")
    assert "memory" in supervisor.supervise(run).message


def test_two_cannot_run_it_at_once(run, training):
    training("(run_folder / 'began').touch(); time.sleep(600)")
    thread = threading.Thread(target=supervisor.supervise, args=[run])
    thread.start()
    until((run.folder / "began").exists)
    with pytest.raises(TrainingError, match="running already"):
        supervisor.supervise(run)
    with pytest.raises(TrainingError, match="running"):
        run.reopen()
    with pytest.raises(TrainingError, match="running"):
        runs.remove(run)
    run.cancel()
    thread.join()


def test_a_training_dies_with_its_supervisor(run):
    """With the real ``python -m training``, which waits for its standard input to be closed."""
    code = f"from training import runs, supervisor; supervisor.supervise(runs.find({run.id!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
    until((run.folder / "log.txt").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: run.state() != "running")
    assert run.state() in ("interrupted", "failed"), "the dataset is not there: it may have failed by itself before"


def test_an_interrupted_or_cancelled_run_can_be_reopened_a_finished_one_not(run, training):
    training("sys.exit(3)")
    supervisor.supervise(run)
    assert run.state() == "failed"
    run.reopen()
    assert run.state() == "queued"
    run.cancel()
    assert run.state() == "cancelled"
    run.reopen()
    training(DONE)
    supervisor.supervise(run)
    with pytest.raises(TrainingError, match="done"):
        run.reopen()


def test_there_must_be_something_to_finish(run):
    run.cancel()
    with pytest.raises(TrainingError, match="not completed an epoch"):
        run.reopen(finish=True)
    (run.folder / runs.CHECKPOINT).touch()
    run.reopen(finish=True)
    assert run.is_to_finish()
    run.cancel()
    run.reopen()
    assert not run.is_to_finish()


def test_how_it_ended_can_be_written_on_a_full_disk(small_disk, use_setting, training):
    use_setting("HOME", small_disk)
    run = Run.create(Recipe(), "mine")
    training("(run_folder / 'big').write_bytes(bytes(100_000_000))")
    outcome = supervisor.supervise(run)
    assert outcome.state == "failed"
    assert run.state() == "failed"


def test_progress_is_what_was_kept_last(run):
    run.keep_progress(Progress(done=3, total=9, what="reading"))
    assert run.progress().done == 3
    run.end(Outcome(state="failed", message="no"))
    assert run.outcome().message == "no"
