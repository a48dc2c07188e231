"""What MLflow's model registry shows of the models."""

import pytest

from har_core import config, promotion
from har_core.config import settings
from tests.bundles import spoil
from tests.training.test_tracking import Tracker
from training import background, registry, tracking
from training.recipe import Recipe
from training.runs import Run

pytestmark = pytest.mark.usefixtures("mlflow")


def versions() -> dict[str, object]:
    """What is registered, by ``NAME@VERSION``."""
    return {found.tags["har.model"]: found for found in tracking.client().search_model_versions()}


def in_service() -> list[str]:
    client = tracking.client()
    return [
        client.get_model_version_by_alias(model.name, registry.ALIAS).tags["har.model"]
        for model in client.search_registered_models()
        if registry.ALIAS in model.aliases
    ]


def test_each_bundle_is_a_version_and_the_one_in_service_has_the_alias(made):
    bundle = made(2)
    assert registry.mirror()
    assert sorted(versions()) == ["tiny@1", "tiny@2"]
    assert in_service() == ["tiny@1"]
    found = versions()["tiny@2"]
    assert found.source == bundle.folder.as_uri()
    assert found.tags["har.digest"] == bundle.digest
    assert found.tags["har.dataset_fingerprint"] == "0"
    assert float(found.tags["har.test_accuracy"]) == 0.8
    run = tracking.client().get_run(found.run_id)
    assert (run.info.run_name, run.info.status) == ("tiny@2", "FINISHED")
    assert run.data.metrics["test_accuracy"] == 0.8


def test_a_promotion_and_a_rollback_move_the_alias_and_register_nothing_twice(made):
    made(2)
    made(1, name="other")
    registry.mirror()
    promotion.promote("other@1", "ada", override="another")
    registry.mirror()
    assert in_service() == ["other@1"]
    promotion.roll_back("ada")
    registry.mirror()
    assert in_service() == ["tiny@1"]
    assert len(tracking.client().search_model_versions()) == 3


def test_a_model_in_service_that_is_none_of_the_bundles_has_no_alias(made, use_setting, tiny_bundle):
    made(2)
    registry.mirror()
    use_setting("MODEL", tiny_bundle.folder)
    assert registry.mirror()
    assert in_service() == []


def test_a_model_that_was_trained_here_leads_to_its_run(made):
    import plotly.graph_objects as go

    run = Run.create(Recipe.model_validate({"phases": []}), "mine")
    bundle = made(2, run=run.id)
    tracker = Tracker(run)
    tracker.begin({})
    tracker.finish(bundle, go.Figure())
    assert registry.mirror()
    found = versions()["tiny@2"]
    assert found.run_id == run.tracked_as
    assert found.source.endswith(f"/{run.tracked_as}/artifacts/bundle")


def test_a_broken_bundle_does_not_keep_the_others_out(made):
    spoil(made(2), "bundle.json")
    (made(3).folder / "bundle.json").write_text("{")
    assert registry.mirror()
    assert "tiny@1" in versions()


def test_without_mlflow_it_says_so_and_nothing_breaks(made, monkeypatch, caplog):
    made(2)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    config.settings.cache_clear()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert not registry.mirror()
    assert "not brought up to date" in caplog.text


def test_it_is_done_by_a_process_that_nobody_waits_for(made, monkeypatch):
    made(2)
    started = []
    monkeypatch.setattr(background, "start", lambda *arguments: started.append(arguments))
    registry.mirror_soon()
    assert started == [(["training.registry"], settings().home / "mlflow" / "registry.log")]


def test_a_disk_that_is_full_does_not_undo_what_it_follows(monkeypatch, caplog):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(background, "start", full)
    registry.mirror_soon()
    assert "No space left" in caplog.text


@pytest.mark.parametrize("kind", ["database", "folder"])
def test_a_store_of_ones_own_keeps_files_under_home_and_nothing_where_one_stands(
    made, monkeypatch, tmp_path, home, kind
):
    import plotly.graph_objects as go

    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    own = {"database": f"sqlite:///{tmp_path}/own.db", "folder": (tmp_path / "own").as_uri()}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", own[kind])
    config.settings.cache_clear()
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    run = Run.create(Recipe.model_validate({"phases": []}), "mine")
    tracker = Tracker(run)
    tracker.begin({})
    tracker.finish(made(2), go.Figure())
    assert not tracker.has_failed
    assert registry.mirror()
    assert list(here.iterdir()) == []
    assert (home / "mlflow" / "artifacts" / run.tracked_as / "artifacts" / "bundle" / "model.tflite").is_file()
