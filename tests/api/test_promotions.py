"""The API under two workers while the model in service changes; changing it over HTTP."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api_service.config import settings as api_settings
from api_service.http.errors import PromotionUnfinished
from api_service.predictions import services
from api_service.promotions import services as promotions
from har_core import bundle as bundles
from har_core import config, promotion, serving
from har_core.bundle import Bundle
from har_core.errors import PromotionRefused
from har_core.files import locked
from har_core.predictor import Predictor
from tests.api.test_live import problem
from tests.bundles import evaluation, shipping, spoil, variant
from tests.conftest import EXAMPLES
from tests.core.test_promotion import made_of, photos  # noqa: F401 - a fixture
from tests.servers import api, ready
from tests.waiting import until
from training import registry

CYCLING = (EXAMPLES / "cycling.jpg").read_bytes()
RATE = 20


class Load:
    """Sends a photo twenty times a second, each over a connection of its own, so that both workers are asked."""

    def __init__(self, base: str) -> None:
        self._client = httpx.Client(base_url=base, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(32)
        self._sent = []
        self.answers: list[tuple[int, int | None]] = []
        self._sender = threading.Thread(target=self._send)

    def __enter__(self):
        self._sender.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._sender.join()
        self._pool.shutdown()
        self._client.close()
        for future in self._sent:
            future.result()

    def wait_for(self, version: int) -> None:
        """Until twenty answers in a row are of that version: both workers have followed."""
        begun = len(self.answers)
        until(lambda: [found for _, found in self.answers[begun:]][-RATE:] == [version] * RATE)

    def _send(self) -> None:
        started, number = time.monotonic(), 0
        while not self._over.wait(max(0.0, started + number / RATE - time.monotonic())):
            self._sent.append(self._pool.submit(self._ask))
            number += 1

    def _ask(self) -> None:
        response = self._client.post("/api/v1/predictions", files={"image": CYCLING})
        found = response.json()["model"]["version"] if response.status_code == 200 else None
        self.answers.append((response.status_code, found))


@pytest.fixture
def base(made, tmp_path):
    made(2)
    made(3)
    with api(tmp_path / "log", WEB_CONCURRENCY="2") as found:
        until(lambda: ready(tmp_path / "log") == 2)  # One that came later would know nothing of the model before.
        yield found


def in_service(base: str) -> list[str]:
    rows = httpx.get(f"{base}/api/v1/models").json()["results"]
    return [f"{row['name']}@{row['version']}" for row in rows if row["in_service"]]


def test_changes_under_load_lose_no_request_and_reach_every_worker(base, tmp_path):
    with Load(base) as load:
        load.wait_for(1)
        promotion.promote("tiny@2", "ada")
        load.wait_for(2)
        until(lambda: in_service(base) == ["tiny@2"])
        spoil(serving.find("tiny@3"), bundles.KERAS)
        with pytest.raises(PromotionRefused):
            promotion.promote("tiny@3", "ada", override="I insist")
        load.wait_for(2)
        promotion.roll_back("ada")
        load.wait_for(1)
        until(lambda: in_service(base) == ["tiny@1"])
    assert {status for status, _ in load.answers} == {200}
    assert {version for _, version in load.answers} == {1, 2}
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_model_that_breaks_after_its_promotion_leaves_the_old_one_answering(base, tmp_path, monkeypatch):
    put = serving.put

    def put_spoilt(entry):
        spoil(serving.find("tiny@2"), bundles.TFLITE)
        put(entry)

    monkeypatch.setattr(serving, "put", put_spoilt)
    with Load(base) as load:
        load.wait_for(1)
        promotion.promote("tiny@2", "ada")
        until(lambda: (tmp_path / "log").read_text().count("goes on answering") >= 2)
        load.wait_for(1)
    assert {status for status, _ in load.answers} == {200}
    assert httpx.get(f"{base}/readyz").json()["model"]["version"] == 1


def test_many_photos_of_one_request_get_the_answers_of_one_model(made, monkeypatch):
    made(2)
    changing = itertools.cycle([Predictor(serving.find(f"tiny@{version}"), 2) for version in (1, 2)])
    monkeypatch.setattr(services, "predictor", lambda: next(changing))
    for _ in range(2):
        rows, _ = services.predict_many([CYCLING] * 6, top_k=1, with_explanation=False)
        assert len({row["model"]["version"] for row in rows}) == 1


def test_a_worker_that_starts_with_a_broken_model_says_so(made, tmp_path):
    made(2)
    promotion.promote("tiny@2", "ada")
    spoil(serving.find("tiny@2"), bundles.TFLITE)
    with api(tmp_path / "log") as base:
        response = httpx.get(f"{base}/readyz")
    assert response.status_code == 503
    assert response.json()["code"] == "bundle_broken"
    assert "model.tflite" in response.json()["detail"]


@pytest.fixture(scope="module")
def environment(tiny_bundle_source, tmp_path_factory):
    """Where ``tiny@2`` is as good as the model in service, and ``tiny@3`` is worse."""
    folder = tmp_path_factory.mktemp("promotions")
    found = shipping(Bundle(tiny_bundle_source), folder)
    variant(Bundle(tiny_bundle_source), folder / "home" / "models", version=2)
    variant(Bundle(tiny_bundle_source), folder / "home" / "models", version=3, evaluation=evaluation(0.6))
    return found


@pytest.fixture(scope="module")
def shared_client(environment):
    log = Path(environment["HAR_HOME"]).with_name("log")
    with api(log, **environment) as base, httpx.Client(base_url=base, timeout=60) as found:
        yield found


@pytest.fixture
def client(shared_client, environment, monkeypatch):
    """Before any promotion, whatever other tests did; this process sees the same models."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    yield shared_client
    (config.settings().home / "serving.json").unlink(missing_ok=True)
    wait_for(shared_client, 1)


def wait_for(client, version: int) -> None:
    until(lambda: client.get("/readyz").json().get("model", {}).get("version") == version)


def test_a_model_is_put_in_service_over_http_and_taken_back(client):
    answer = client.post("/api/v1/promotions", json={"model": "tiny@2", "why": "more photos"})
    assert answer.status_code == 201, answer.text
    row = answer.json()
    assert (row["id"], row["action"], row["model"], row["before"]) == (1, "promote", "tiny@2", "tiny@1")
    assert (row["who"], row["why"], row["override"]) == ("API", "more photos", "")
    assert [check["name"] for check in row["checks"]] == ["files", "golden", "parity", "figures", "latency"]
    wait_for(client, 2)
    back = client.post("/api/v1/rollbacks", json={"why": "complaints"})
    assert (back.status_code, back.json()["model"], back.json()["why"]) == (201, "tiny@1", "complaints")
    wait_for(client, 1)
    assert client.get("/api/v1/promotions").json()["results"] == [back.json(), row]
    assert client.get("/api/v1/promotions", params={"limit": 1}).json()["results"] == [back.json()]
    assert [entry.model for entry in serving.history()] == ["tiny@1", "tiny@2"]


def test_a_worse_model_is_refused_with_what_was_examined_until_a_reason_is_given(client):
    refusal = problem(client.post("/api/v1/promotions", json={"model": "tiny@3"}), 409, "promotion_refused")
    assert [check["name"] for check in refusal["checks"] if not check["passed"]] == ["figures"]
    assert serving.history() == []
    row = client.post("/api/v1/promotions", json={"model": "tiny@3", "override": "a demonstration"}).json()
    assert (row["model"], row["override"]) == ("tiny@3", "a demonstration")


def test_one_model_is_examined_at_a_time_while_the_way_back_stays_open(client):
    promotion.promote("tiny@2", "ada")
    with locked(config.settings().home / "promotion.lock"):
        problem(client.post("/api/v1/promotions", json={"model": "tiny@1"}), 409, "promotion_busy")
        assert client.post("/api/v1/rollbacks", json={}).status_code == 201
    assert serving.in_service() == "tiny@1"
    problem(client.post("/api/v1/rollbacks", json={}), 409, "promotion_refused")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"json": {}}, 400, "invalid_parameter"),
        ({"json": ["tiny@2"]}, 400, "invalid_parameter"),
        ({"json": {"model": "tiny"}}, 400, "invalid_parameter"),
        ({"json": {"model": "tiny@2 tiny@3"}}, 400, "invalid_parameter"),
        ({"json": {"model": "/etc@1"}}, 400, "invalid_parameter"),
        ({"json": {"model": "tiny@2", "why": "x" * 501}}, 400, "invalid_parameter"),
        ({"json": {"model": "tiny@99"}}, 404, "unknown_model"),
        ({"json": {"model": "tiny@1"}}, 409, "promotion_refused"),
        ({"data": {"model": "tiny@2"}}, 415, "unsupported_media_type"),
        ({"json": {"model": "tiny@2"}, "headers": {"Sec-Fetch-Site": "cross-site"}}, 403, "forbidden"),
    ],
)
def test_a_promotion_that_cannot_be_is_refused_with_a_reason(client, request_, status, code):
    problem(client.post("/api/v1/promotions", **request_), status, code)
    assert serving.history() == []


def test_a_long_examination_is_interrupted_and_goes_on_where_it_stopped(made, photos, monkeypatch):  # noqa: F811
    made(2, dataset=made_of(photos))
    told = []
    monkeypatch.setattr(registry, "mirror_soon", lambda: told.append(True))
    # A second a photo, and twenty in the time there is: the two models are asked about thirty each.
    monkeypatch.setattr(promotions, "monotonic", itertools.count().__next__)
    monkeypatch.setattr(promotions, "_SHARE_FOR_PHOTOS", 20 / api_settings().answer_seconds)
    for done in (20, 9, 28):
        with pytest.raises(PromotionUnfinished, match=f"{done} of 30 photos"):
            promotions.promote("tiny@2", "ada", "", "")
        assert (serving.history(), told) == ([], [])
    assert promotions.promote("tiny@2", "ada", "", "").model == serving.in_service() == "tiny@2"
    assert told == [True]
