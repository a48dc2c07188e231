"""``har train`` and ``har runs``: the shipped backbone, trained in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from tests.cli.conftest import call  # noqa: F401 - a fixture
from tests.waiting import until
from training import runs
from training.recipe import Recipe
from training.runs import Run

pytestmark = pytest.mark.usefixtures("mlflow")


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def test_a_run_that_is_killed_goes_on_from_the_command_line(coloured_photos, call):  # noqa: F811
    """Interrupted by force after its first epoch, then made a model of."""
    plan = {"image_size": 64, "patience": 0, "phases": [{"epochs": 1000, "train_share": 0.05}]}
    run = Run.create(Recipe.model_validate(plan), coloured_photos.name)
    code = f"from training import runs, supervisor; supervisor.supervise(runs.find({run.id!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT_ROOT)
    until(lambda: len(run.epochs()) > 1, process=process)
    process.kill()
    process.wait()
    until(lambda: run.state() == "interrupted")
    status, out, err = call("train", "--resume", run.id, "--finish", "--json")
    assert status == 0, err
    (row,) = rows(out)
    assert row["run"] == run.id
    assert row["metrics"]["accuracy"]["value"] > 0.5
    assert Bundle(Path(row["bundle"])).info.run == run.id
    assert run.state() == "done"


def test_it_trains_queues_lists_shows_cancels_and_removes(coloured_photos, call):  # noqa: F811
    status, out, err = call("train", "quick", "--dataset", coloured_photos.name, "--set", "image_size=64", "--json")
    assert status == 0, err
    assert rows(out)[0]["bundle"].endswith("coloured@1")
    (queued,) = rows(call("train", "quick", "--dataset", coloured_photos.name, "--queue", "--json")[1])
    assert (queued["state"], queued["position"]) == ("queued", 1)
    assert [row["state"] for row in rows(call("runs", "list", "--json")[1])] == ["queued", "done"]
    assert rows(call("runs", "show", queued["run"], "--json")[1])[0]["state"] == "queued"
    assert call("runs", "cancel", queued["run"])[0] == 0
    assert call("runs", "remove", queued["run"])[0] == 0
    assert len(runs.newest_first()) == 1


@pytest.mark.parametrize(
    "arguments", [[], ["quick"], ["quick", "--dataset", "x", "--resume", "y"], ["--finish"], ["--dataset", "x"]]
)
def test_wrong_usage_ends_with_2(arguments, call):  # noqa: F811
    assert call("train", *arguments)[0] == 2


def test_what_cannot_be_trained_ends_with_1(coloured_photos, call):  # noqa: F811
    for arguments in (["nonsense", "-d", "coloured"], ["quick", "-d", "nothing"], ["--resume", "nothing"]):
        status, out, err = call("train", *arguments, "--json")
        assert (status, out) == (1, "")
        assert "Traceback" not in err
    status, _, err = call("train", "quick", "-d", coloured_photos.name, "--set", "min_photos=1000")
    assert status == 1
    assert "two labels" in err
