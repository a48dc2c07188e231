"""``har search``."""

import importlib.util
import json

import pytest
from typer.testing import CliRunner

from har_cli.search import app
from tests.training.conftest import coloured_photos  # noqa: F401 - a fixture
from tests.training.test_runs import epoch
from training import estimate
from training.runs import Outcome
from training.search import record, tuning

NEW = ["quick", "--dataset", "coloured", "--set", "image_size=64"]


def har_search(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["quick", "--dataset", "x"],
        ["quick", "--vary", "seed=0,1"],
        [*NEW, "--vary", "seed=0,1", "--resume", "x"],
        [*NEW, "--vary", "seed=0,1", "--trials", "0"],
        [*NEW, "--vary", "seed=0,1", "--metric", "beauty"],
        [*NEW, "--vary", "seed=1"],
        [*NEW, "--vary", "nothing=1,2"],
        [*NEW, "--vary", "seed=0,1", "--vary", "seed=2,3"],
        [*NEW, "--vary", "seed=0,1", "--name", "../x"],
    ],
)
@pytest.mark.usefixtures("coloured_photos")
def test_wrong_usage_ends_with_2_in_words(arguments):
    done = har_search(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_what_is_not_there_ends_with_1():
    for arguments in (["--resume", "nothing"], ["quick", "-d", "nothing", "--vary", "seed=0,1"]):
        done = har_search(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith("har: There is no")


def test_a_missing_ray_is_said_in_words(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    done = har_search(*NEW, "--vary", "seed=0,1")
    assert done.exit_code == 1
    assert "pip install -r requirements-cluster.txt" in done.stderr


@pytest.fixture
def tried(monkeypatch):
    """Puts something in Ray's place that ends so many trials; those with larger seeds do better."""

    def replace(count):
        def run(search, _concurrent, watch):
            for number in search.to_do()[:count]:
                trial = search.begun(number)
                trial.keep_epochs([epoch(0, val_macro_f1=trial.recipe.seed / 10)])
                trial.end(Outcome(state="done"))
                search.conclude(number)
                watch(number + 1, "trial")
            return dict.fromkeys(search.to_do(), "OSError: no space")

        monkeypatch.setattr(tuning, "run", run)

    return replace


@pytest.mark.usefixtures("coloured_photos")
def test_a_dataset_s_name_may_be_as_long_as_any(home, tried):
    dataset = "x" * 64
    (home / "datasets" / "coloured").rename(home / "datasets" / dataset)
    tried(2)
    done = har_search("quick", "--dataset", dataset, "--set", "image_size=64", "--vary", "seed=0,1")
    assert done.exit_code == 0, done.stderr
    assert f"--dataset {dataset}" in done.stdout


@pytest.mark.usefixtures("coloured_photos")
def test_the_memory_of_this_machine_counts_for_the_trials_that_it_runs(tried, monkeypatch):
    tried(2)
    monkeypatch.setattr(estimate.memory, "available", lambda: 2 * estimate._HEAD_BYTES)
    new = [*NEW, "--vary", "seed=0,1,2", "--concurrent"]
    assert har_search(*new, "2", "--name", "two").exit_code == 1, "begun, and not all are over"
    assert record.find("two")
    done = har_search(*new, "3", "--name", "three")
    assert done.exit_code == 1
    assert "3 trainings at a time" in done.stderr
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:6379")
    har_search(*new, "3", "--name", "three")
    assert record.find("three")


@pytest.mark.usefixtures("coloured_photos")
def test_it_says_what_is_best_and_how_to_go_on(tried):
    tried(2)
    done = har_search(*NEW, "--vary", "seed=0..3", "--trials", "4", "--name", "mine", "--json")
    assert done.exit_code == 1
    assert "har search --resume mine" in done.stderr
    assert "har: mine-002: OSError: no space" in done.stderr, "what its run does not know"
    assert [row["state"] for row in json.loads(done.stdout)["trials"]] == ["done", "done", "waiting", "waiting"]
    tried(2)
    done = har_search("--resume", "mine", "--json")
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    assert [row["changes"] for row in said["trials"]] == [["seed=3"], ["seed=2"], ["seed=1"], ["seed=0"]]
    assert said["command"] == "har train quick --dataset coloured --set image_size=64 --set seed=3"
    assert said["trials"][0]["validation"]["macro_f1"] == 0.3
    table = har_search("--resume", "mine").stdout
    assert said["command"] in table
    assert table.index("seed=3") < table.index("seed=0")
    assert har_search(*NEW, "--vary", "seed=0..3", "--name", "mine").exit_code == 2, "the name is taken"
    assert record.find("mine").to_do() == []
