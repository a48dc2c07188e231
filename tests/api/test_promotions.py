"""The API under two workers while the model in service changes."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api_service.predictions import services
from har_core import bundle as bundles
from har_core import promotion, serving
from har_core.errors import PromotionRefused
from har_core.predictor import Predictor
from tests.bundles import spoil
from tests.conftest import EXAMPLES
from tests.servers import api

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
        begun, deadline = len(self.answers), time.monotonic() + 60
        while [found for _, found in self.answers[begun:]][-RATE:] != [version] * RATE:
            assert time.monotonic() < deadline, self.answers[-RATE:]
            time.sleep(0.05)

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
        yield found


def in_service(base: str) -> list[str]:
    rows = httpx.get(f"{base}/api/v1/models").json()["results"]
    return [f"{row['name']}@{row['version']}" for row in rows if row["in_service"]]


def test_changes_under_load_lose_no_request_and_reach_every_worker(base, tmp_path):
    with Load(base) as load:
        load.wait_for(1)
        promotion.promote("tiny@2", "ada")
        load.wait_for(2)
        assert in_service(base) == ["tiny@2"]
        spoil(serving.find("tiny@3"), bundles.KERAS)
        with pytest.raises(PromotionRefused):
            promotion.promote("tiny@3", "ada", override="I insist")
        load.wait_for(2)
        promotion.roll_back("ada")
        load.wait_for(1)
        assert in_service(base) == ["tiny@1"]
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
        deadline = time.monotonic() + 60
        while (tmp_path / "log").read_text().count("goes on answering") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        load.wait_for(1)
    assert {status for status, _ in load.answers} == {200}
    assert httpx.get(f"{base}/readyz").json()["model"]["version"] == 1


def test_many_photos_of_one_request_get_the_answers_of_one_model(made, monkeypatch):
    made(2)
    changing = itertools.cycle([Predictor(serving.find(f"tiny@{version}"), 2) for version in (1, 2)])
    monkeypatch.setattr(services, "predictor", lambda: next(changing))
    for _ in range(2):
        rows = services.predict_many([CYCLING] * 6, top_k=1, with_explanation=False)
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
