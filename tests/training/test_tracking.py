"""What MLflow keeps."""

import pytest

from har_core import config
from har_core.bundle import Bundle
from tests.training.test_runs import epoch
from training import tracking
from training.recipe import Recipe
from training.runs import Run
from training.tracking import Tracker

pytestmark = pytest.mark.usefixtures("mlflow")


@pytest.fixture
def run():
    return Run.create(Recipe.model_validate({"phases": [{"epochs": 3}]}), "mine")


def kept(run):
    from mlflow import MlflowClient

    return MlflowClient(tracking.uri()).get_run(run.tracked_as)


def test_a_run_is_kept_with_recipe_figures_and_bundle(run, tiny_bundle: Bundle):
    import plotly.graph_objects as go
    from mlflow import MlflowClient

    tracker = Tracker(run)
    tracker.begin({"dataset_fingerprint": "abc", "code_revision": "def"})
    tracker.epoch(epoch(1, recall={"a label, odd": 0.25}))
    tracker.finish(tiny_bundle, go.Figure())
    assert not tracker.has_failed
    found = kept(run)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == run.id
    assert found.data.params["phases.0.epochs"] == "3"
    assert found.data.params["dataset"] == "mine"
    assert found.data.tags["har.dataset_fingerprint"] == "abc"
    assert found.data.tags["har.code_revision"] == "def"
    assert found.data.metrics["val_accuracy"] == 0.5
    assert found.data.metrics["val_recall.a label_ odd"] == 0.25
    assert found.data.metrics["test_accuracy"] == 1
    client = MlflowClient(tracking.uri())
    assert {item.path for item in client.list_artifacts(found.info.run_id)} == {
        "bundle", "confusion_matrix.html", "recipe.json",
    }  # fmt: skip
    assert "bundle/model.tflite" in {item.path for item in client.list_artifacts(found.info.run_id, "bundle")}


def test_an_interrupted_run_goes_on_under_its_name(run):
    Tracker(run).begin({})
    name = run.tracked_as
    tracking.close(run, "KILLED")
    assert kept(run).info.status == "KILLED"
    Tracker(run).begin({})
    assert run.tracked_as == name
    assert kept(run).info.status == "RUNNING"


def test_a_server_that_is_not_there_ends_tracking_not_the_training(run, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    config.settings.cache_clear()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker = Tracker(run)
    tracker.begin({})
    assert tracker.has_failed
    assert "left alone" in caplog.text
    tracker.epoch(epoch(1))


def test_a_search_is_kept_under_one_name_and_goes_on_without_mlflow(monkeypatch):
    from mlflow import MlflowClient

    name = tracking.begin_search("mine", {"metric": "loss"}, None)
    assert tracking.begin_search("mine", {"metric": "loss"}, name) == name
    tracking.end_search(name, {"best_val_loss": 0.5}, "FINISHED")
    kept = MlflowClient(tracking.uri()).get_run(name)
    assert (kept.info.run_name, kept.info.status, kept.data.metrics) == ("mine", "FINISHED", {"best_val_loss": 0.5})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    config.settings.cache_clear()
    assert tracking.begin_search("other", {}, None) is None
    tracking.end_search(None, {}, "FINISHED")
    tracking.end_search(name, {}, "FINISHED")


def test_a_run_that_was_never_tracked_is_closed_without_mlflow(run):
    tracking.close(run, "KILLED")
    assert run.tracked_as is None
