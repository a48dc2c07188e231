"""A search for the best recipe: what it tries, and how it goes on after it was killed."""

import json
import os
import subprocess
import sys

import pytest

from har_core.config import PROJECT_ROOT
from har_core.errors import SearchInvalid, TrainingError
from tests import rays
from tests.training.test_runs import epoch
from tests.waiting import until
from training import runs
from training.recipe import Recipe
from training.runs import Outcome, Run
from training.search import record, space

RATE = "phases.0.learning_rate=log:1e-5..1e-2"


def values(text, trials=8, reference="finetune"):
    varied = space.read(text, reference)
    return [change.partition("=")[2] for (change,) in space.plan([varied], trials, seed=0)]


def test_trials_are_spread_over_what_is_varied():
    rates = sorted(float(value) for value in values(RATE, 6))
    assert [len([r for r in rates if low <= r < 10 * low]) for low in (1e-5, 1e-4, 1e-3)] == [2, 2, 2]
    dropouts = sorted(float(value) for value in values("regularization.dropout=0..0.8", 4))
    assert [int(dropout / 0.2) for dropout in dropouts] == [0, 1, 2, 3]
    assert sorted(values("optimizer.batch_size=8,16,32", 3)) == ["16", "32", "8"]
    assert sorted(values("phases.0.epochs=2..4", 3)) == ["2", "3", "4"], "a whole number, where no other is possible"
    assert {value.isdecimal() for value in values("augmentation.mixup=0..1")} == {False}, "but not elsewhere"
    assert sorted(values("optimizer.batch_size=log:4..64", 2))[0].isdecimal()


def test_the_same_seed_tries_the_same_and_nothing_is_tried_twice():
    varied = [space.read(text, "finetune") for text in (RATE, "optimizer.batch_size=8,16")]
    assert space.plan(varied, 5, seed=1) == space.plan(varied, 5, seed=1) != space.plan(varied, 5, seed=2)
    assert len(space.plan([varied[1]], 8, seed=0)) == 2
    for changes in space.plan(varied, 5, seed=1):
        assert record.new_record("finetune", "mine", [], [changes], "macro_f1").trials[0].recipe.phases


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "not of the form"),
        ("seed=", "not of the form"),
        ("seed=1", "--set"),
        ("seed=1,1", "--set"),
        ("nothing=1,2", "has no nothing"),
        ("phases.7.epochs=1,2", "has no phases.7.epochs"),
        ("optimizer.batch_size=0,16", "cannot be 0"),
        ("regularization.dropout=0.1..2", "cannot be 2"),
        ("regularization.dropout=0.5..0.1", "smaller number to a larger"),
        ("regularization.dropout=a..b", "no range"),
        ("regularization.dropout=nan..1", "no range"),
        ("phases.0.learning_rate=log:0..0.1", "above 0"),
        ("backbone=efficientnet_lite0,nonsense", "cannot be nonsense"),
        ("both_ways=true,false", "cannot be searched for"),
        ("min_photos=3,12", "other validation photos"),
    ],
)
def test_what_cannot_be_varied_is_said_in_words(text, said):
    with pytest.raises(SearchInvalid, match=said):
        space.read(text, "finetune")


def planned(name="tiny", seeds=(5, 1, 4, 0), metric="macro_f1"):
    facts = record.new_record("quick", "mine", ["phases=[{epochs=5}]"], [[f"seed={seed}"] for seed in seeds], metric)
    return record.Search.create(name, facts)


def test_a_searchs_name_is_its_own_and_safe():
    planned()
    with pytest.raises(SearchInvalid, match="--resume tiny"):
        planned()
    for name in ("", "..", "a/b", "A", "x" * 100):
        with pytest.raises(SearchInvalid):
            record.find(name)
    with pytest.raises(SearchInvalid):
        record.find("nothing")
    found = record.find("tiny")
    with found.claimed(), pytest.raises(TrainingError, match="under way"), record.find("tiny").claimed():
        pass


@pytest.mark.parametrize(("metric", "best"), [("macro_f1", 5), ("loss", 1)])
def test_results_are_ranked_by_what_would_be_kept_of_them(metric, best):
    found = planned(metric=metric)
    for number, seed in enumerate((5, 1, 4)):
        run = found.begun(number)
        later = epoch(1, best=False, val_macro_f1=0.0, val_loss=9.0)
        run.keep_epochs([epoch(0, val_macro_f1=seed / 10, val_loss=seed / 10), later])
        run.end(Outcome(state="done"))
        found.conclude(number)
    found.conclude(3)
    rows = found.results()
    assert rows[0].changes == [f"seed={best}"]
    assert rows[0].kept.epoch == 0
    assert (rows[-1].state, rows[-1].kept) == ("waiting", None)
    assert found.to_do() == []
    command = found.command(rows[0].changes)
    assert command == f"har train quick --dataset mine --set 'phases=[{{epochs=5}}]' --set seed={best}"


def test_a_trial_that_goes_on_is_the_same_run():
    found = planned()
    run = found.begun(1)
    assert (run.id, run.recipe.seed, run.record.trial.search) == ("tiny-001", 1, "tiny")
    run.end(Outcome(state="failed", message="no"))
    assert found.begun(1).id == run.id
    assert runs.find("tiny-001").state() == "queued"
    assert Run.create(Recipe(), "mine").record.trial is None


def test_a_search_that_is_killed_goes_on_where_it_stopped(home):
    """The first trial is the best. Whoever forgot it, when killed, would let the worse ones that follow go on."""
    found = planned(seeds=(5, 1, 4, 9, 8))
    environment = {**os.environ, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    # By itself, Ray waits for a head that is gone for a minute.
    environment["RAY_gcs_rpc_server_reconnect_timeout_s"] = "5"
    command, mark = [sys.executable, "-m", "tests.training.tiny_search", "tiny"], f"HAR_HOME={home}"
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment)
    try:
        until(lambda: found.is_over(0), 900, process)
    finally:
        process.kill()
        process.wait()
        until(lambda: not rays.at_work(mark))
        rays.kill(mark)
    assert found.to_do() == [1, 2, 3, 4]
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    reasons = {int(number): reason.rpartition(": ")[2] for number, reason in json.loads(done.stdout).items()}
    assert reasons == {3: "nine is too many", 4: "no space left for eight"}, "and nothing else is printed"
    until(lambda: not rays.at_work(mark))
    found = record.find("tiny")
    results = sorted(found.results(), key=lambda result: result.number)
    assert [result.state for result in results] == ["done", "stopped", "done", "failed", "interrupted"]
    states = ["done", "cancelled", "done", "failed", "interrupted"]
    assert [runs.find(result.run).state() for result in results] == states
    assert results[0].epochs == 5
    assert results[1].epochs == 2, "after a third of the epochs it was worse than the only one before"
    assert results[2].epochs == 5, "it was among the best third"
    assert (runs.find("tiny-000").folder / "begun").read_text() == "x", "what was over was not done again"
    assert found.results()[0].number == 0
    assert found.to_do() == [3, 4], "what failed can be tried again"
    assert results[3].message == "nine is too many"


def test_a_trial_that_was_cancelled_before_its_first_figure_says_so(home):
    from training.search.tuning import TrialProcess

    class Cancelled(TrialProcess):
        def train_to_end(self, run):
            run.end(Outcome(state="cancelled"))

    planned()
    trial = Cancelled({"number": 0, "search": "tiny", "environment": {"HAR_HOME": str(home)}})
    with pytest.raises(TrainingError, match="before its first figure"):
        trial.step()
