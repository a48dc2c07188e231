"""The model in service reaches hosts that share no folder: by MLflow's server, which keeps the bundles."""

import io
import sys
from contextlib import contextmanager

import httpx
import pytest
from PIL import Image

from har_core import config, promotion, serving
from har_core.bundle import Bundle
from tests.bundles import variant
from tests.hosts.conftest import mlflow, process
from tests.servers import api
from tests.waiting import until
from training import registry, tracking


@pytest.fixture(scope="module")
def model(tiny_bundle_source, tmp_path_factory) -> Bundle:
    """``tiny@1``, which ships with all hosts."""
    return variant(Bundle(tiny_bundle_source), tmp_path_factory.mktemp("shipped"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The folder of MLflow's server, and what all hosts are told of it."""
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow(folder) as uri:
        yield folder, {"MLFLOW_TRACKING_URI": uri}


@pytest.fixture(scope="module")
def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), (255, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def on(host: dict[str, str]):
    """What this process does in the block is done on that host."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in host.items():
            patch.setenv(name, value)
        config.settings.cache_clear()
        yield
    config.settings.cache_clear()


def test_a_promotion_and_a_rollback_reach_an_api_on_another_host(shared, model, tmp_path, photo):
    folder, environment = shared
    environment = environment | {"HAR_SHIPPED_MODELS": str(model.folder.parent), "HAR_MODEL": "tiny"}
    trains = environment | {"HAR_HOME": str(tmp_path / "trains")}
    serves = environment | {"HAR_HOME": str(tmp_path / "serves"), "HAR_FOLLOW": "true"}
    follow = [sys.executable, "-m", "har_cli", "models", "pull", "--every", "1"]
    for version in (2, 3):
        variant(model, tmp_path / "trains" / "models", version=version)
    with on(trains):
        assert registry.mirror()
    with (
        api(tmp_path / "api.log", **serves) as base,
        process(follow, tmp_path / "pull.log", **serves),
        httpx.Client(base_url=base, timeout=60) as client,
    ):

        def answers(version: int) -> bool:
            sent = client.post("/api/v1/predictions", content=photo, headers={"Content-Type": "image/png"})
            assert sent.status_code == 200, sent.text
            return sent.json()["model"]["version"] == version

        assert answers(1)
        with on(trains):
            promotion.promote("tiny@2", "ada", "more photos")
            assert registry.mirror()
        until(lambda: answers(2))
        with on(serves):
            (entry,) = serving.history()
            assert (entry.who, entry.why, entry.digest) == ("ada", "more photos", serving.find("tiny@2").digest)
            # It is told nothing back: another host's promotion is no promotion of this one.
            before = in_registry()
            assert registry.mirror()
            assert in_registry() == before

        refused = client.post("/api/v1/promotions", json={"model": "tiny@1"})
        assert (refused.status_code, refused.json()["code"]) == (409, "promotion_refused")
        assert "HAR_FOLLOW" in refused.json()["detail"]

        # Somebody changes a byte where MLflow keeps the next one.
        (path,) = [path for path in folder.glob("artifacts/**/model.tflite") if is_of(path, 3)]
        sound = path.read_bytes()
        path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        with on(trains):
            promotion.promote("tiny@3", "ada")
            assert registry.mirror()
        until(lambda: "model.tflite was changed" in (tmp_path / "pull.log").read_text())
        assert answers(2)
        assert [item.name for item in (tmp_path / "serves" / "models").iterdir()] == ["tiny@2"]
        path.write_bytes(sound)
        until(lambda: answers(3))

        with on(trains):
            promotion.roll_back("grace", "complaints")
            promotion.roll_back("grace")
            assert registry.mirror()
        until(lambda: answers(1))
        with on(serves):
            assert [entry.action for entry in serving.history()] == ["rollback", "rollback", "promote", "promote"]
            assert serving.stack() == ["tiny@1"]


def in_registry() -> list[object]:
    """What MLflow knows, but for times."""
    client = tracking.client()
    versions = client.search_model_versions()
    aliases = [model.aliases for model in client.search_registered_models()]
    return [sorted((one.name, one.version, sorted(one.tags.items())) for one in versions), aliases]


def is_of(path, version: int) -> bool:
    return Bundle(path.parent).info.version == version
