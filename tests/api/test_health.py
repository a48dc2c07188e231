"""The probes tell the truth, at once, and cause nothing."""

import itertools
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import httpx
import pytest

from har_core import bundle as bundles
from har_core.bundle import Bundle
from tests.api.test_live import CYCLING, problem
from tests.bundles import spoil
from tests.servers import api
from tests.waiting import until


@pytest.fixture
def live(monkeypatch, client):
    """A model that nobody has asked for yet."""
    del client
    from api_service.models import services
    from har_core.live import LivePredictor

    predictor = LivePredictor()
    monkeypatch.setattr(services, "_live", predictor)
    yield predictor
    predictor.close()


@pytest.fixture
def database(monkeypatch, client):
    """Asks the database for each probe."""
    del client
    from api_service.health import services
    from api_service.polled import Polled

    def use(ask) -> None:
        monkeypatch.setattr(services, "_database", Polled(ask, 0))

    use(services._missing)
    return use


def wait_until_ready(base: str) -> None:
    """Without any request but the probe's."""
    until(lambda: httpx.get(f"{base}/readyz").status_code == 200)


@pytest.mark.usefixtures("made", "api_database", "database")
def test_it_is_ready_once_the_model_is_loaded_and_the_probe_does_not_load_it(client, live, monkeypatch):
    from har_core import live as module
    from har_core.predictor import Predictor

    go_on = threading.Event()
    monkeypatch.setattr(module, "Predictor", lambda bundle: go_on.wait(120) and Predictor(bundle))
    problem(client.get("/readyz"), 503, "model_loading")
    assert live._thread is None
    loading = threading.Thread(target=live.get)
    loading.start()
    problem(client.get("/readyz"), 503, "model_loading")
    assert client.get("/healthz").status_code == 200
    go_on.set()
    loading.join()
    until(lambda: client.get("/readyz").status_code == 200)  # The database has a few seconds for each answer.
    assert client.get("/readyz").json() == {"status": "ready", "model": {"name": "tiny", "version": 1}}


@pytest.mark.usefixtures("made", "api_database")
def test_a_database_that_is_gone_or_old_is_told(client, live, database):
    from django.db import OperationalError

    def gone() -> bool:
        raise OperationalError("connection to 10.0.0.1 refused")

    live.get()
    until(lambda: client.get("/readyz").status_code == 200)
    database(lambda: True)
    problem(client.get("/readyz"), 503, "database_not_migrated")
    database(gone)
    assert "10.0.0.1" not in problem(client.get("/readyz"), 503, "database_unreachable")["detail"]


@pytest.mark.usefixtures("made", "api_database")
def test_a_silent_database_is_told_and_holds_nobody_up(client, live, database):
    live.get()
    silent, ends = threading.Event(), threading.Event()
    database(lambda: ends.wait(600) if silent.is_set() else False)
    assert client.get("/readyz").status_code == 200
    silent.set()
    try:
        until(lambda: client.get("/readyz").status_code != 200)
        started = time.perf_counter()
        for _ in range(30):  # Each would wait three seconds for the database.
            problem(client.get("/readyz"), 503, "database_unreachable")
        assert client.get("/healthz").status_code == 200
        assert time.perf_counter() - started < 60
    finally:
        ends.set()


def test_what_never_answers_is_not_waited_for_again_and_again(monkeypatch):
    from api_service import polled

    monkeypatch.setattr(polled, "_PATIENCE", 0.3)
    ends = threading.Event()
    silent = polled.Polled(lambda: ends.wait(600), 600)
    started = time.perf_counter()
    try:
        for _ in range(400):
            with pytest.raises(TimeoutError):
                silent.get()
        assert time.perf_counter() - started < 60
    finally:
        ends.set()


def test_the_database_is_asked_by_one_at_a_time_and_not_for_each_probe():
    from api_service.polled import Polled

    asked, counter = [], itertools.count()

    def ask() -> int:
        asked.append(threading.current_thread().name)
        time.sleep(0.2)
        return next(counter)

    polled = Polled(ask, 60)
    probes = [threading.Thread(target=polled.get) for _ in range(10)]
    for probe in probes:
        probe.start()
    for probe in probes:
        probe.join()
    assert len(asked) == 1
    assert polled.get() == 0


def test_a_model_that_appears_is_answered_with_and_a_broken_one_once_it_is_mended(tmp_path, tiny_bundle):
    shipped = tmp_path / "shipped"
    shipped.mkdir()

    def is_refused(code: str) -> None:
        """However often it is asked for."""
        for _ in range(5):
            problem(httpx.get(f"{base}/readyz"), 503, code)
            problem(httpx.post(f"{base}/api/v1/predictions", files={"image": CYCLING}), 503, code)
        assert httpx.get(f"{base}/healthz").status_code == 200

    with api(tmp_path / "log", HAR_SHIPPED_MODELS=str(shipped), HAR_MODEL="tiny") as base:
        is_refused("model_not_found")
        spoil(Bundle(Path(shutil.copytree(tiny_bundle.folder, tmp_path / "copy" / "tiny@1"))), bundles.TFLITE)
        (tmp_path / "copy" / "tiny@1").rename(shipped / "tiny@1")
        until(lambda: httpx.get(f"{base}/readyz").json()["code"] == "bundle_broken")
        is_refused("bundle_broken")
        shutil.copy(tiny_bundle.folder / bundles.TFLITE, shipped / "tiny@1" / bundles.TFLITE)
        wait_until_ready(base)
        assert httpx.post(f"{base}/api/v1/predictions", files={"image": CYCLING}).json()["model"]["name"] == "tiny"
    assert (tmp_path / "log").read_text().count("there is none to answer") == 2  # Once for each reason.


def test_a_database_that_loses_its_tables_is_noticed_and_so_is_its_return(tmp_path):
    home = tmp_path / "home"
    with api(tmp_path / "log", HAR_HOME=str(home)) as base:
        wait_until_ready(base)
        with sqlite3.connect(home / "api.db", timeout=60) as database:
            rows = database.execute("SELECT * FROM django_migrations").fetchall()
            database.execute("DELETE FROM django_migrations WHERE app = 'keys'")
        until(lambda: httpx.get(f"{base}/readyz").status_code != 200)
        problem(httpx.get(f"{base}/readyz"), 503, "database_not_migrated")
        with sqlite3.connect(home / "api.db", timeout=60) as database:
            database.executemany("INSERT OR IGNORE INTO django_migrations VALUES (?, ?, ?, ?)", rows)
        wait_until_ready(base)
