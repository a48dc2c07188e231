"""What Prometheus reads, right across workers; and that the dashboard and the alarms ask for what there is."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from har_core.config import PROJECT_ROOT
from tests.api.test_live import CYCLING, problem
from tests.conftest import EXAMPLES
from tests.servers import api
from tests.waiting import until

LABELS, PREDICTIONS = "/api/v1/labels", "/api/v1/predictions"
MONITORING = {
    "dashboard": PROJECT_ROOT / "deploy" / "grafana" / "dashboard.json",
    "alerts": PROJECT_ROOT / "deploy" / "prometheus" / "alerts.yml",
}


class Figures(dict):
    """Values by name and labels."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        super().__init__(
            ((sample.name, frozenset(sample.labels.items())), sample.value)
            for family in families
            for sample in family.samples
        )
        assert len(self) == sum(len(family.samples) for family in families), "a figure comes twice"

    def of(self, name: str, /, **labels: str) -> float:
        """The sum of all that have these labels, among others."""
        return sum(value for (known, all_), value in self.items() if known == name and labels.items() <= set(all_))

    def labels(self, name: str, label: str) -> set[str]:
        return {dict(all_)[label] for known, all_ in self if known == name}


def scrape(base) -> Figures:
    answer = httpx.get(f"{base}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return Figures(answer.text)


def scrape_in_full(base) -> Figures:
    """With what is looked up, too: that is left out as long as a busy machine takes seconds for it."""
    until(lambda: {"har_trainings_waiting", "har_jobs", "har_model_info"} <= {name for name, _ in scrape(base)})
    return scrape(base)


def workers(log) -> list[int]:
    """The workers that were ever started, by their server's log."""
    return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", log.read_text())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("metrics")


@pytest.fixture(scope="module")
def base(folder) -> Iterator[str]:
    with api(folder / "log", HAR_HOME=str(folder / "home"), WEB_CONCURRENCY="2") as base:
        yield base


def test_counts_are_exact_across_workers(base):
    before = scrape(base)
    for _ in range(40):  # A new connection each: they land on both workers.
        httpx.get(base + LABELS)
    answers = [httpx.post(base + PREDICTIONS, files=[("images", CYCLING)] * 2, timeout=60) for _ in range(5)]
    httpx.post(base + PREDICTIONS, files={"image": b"no photo"})
    after = scrape(base)

    def more(name: str, **labels: str) -> float:
        return after.of(name, **labels) - before.of(name, **labels)

    assert more("har_requests_total", route=LABELS, method="GET", status="200") == 40
    assert more("har_request_seconds_count", route=LABELS) == 40
    assert more("har_requests_total", route=PREDICTIONS, status="200") == 5
    assert more("har_requests_total", route=PREDICTIONS, status="415") == 1
    row = answers[0].json()["results"][0]
    assert more("har_predictions_total", label=row["label"], decision=row["decision"]) == 10
    assert more("har_prediction_confidence_count") == 10
    assert more("har_prediction_confidence_sum") == pytest.approx(10 * row["confidence"], rel=1e-6)
    for phase in ("wait", "decode", "model"):
        assert more("har_prediction_seconds_count", phase=phase) == 10
    assert more("har_prediction_seconds_sum", phase="model") < more("har_request_seconds_sum", route=PREDICTIONS) * 2
    # Nobody asks but the one who looks.
    assert after.of("har_requests_in_flight") == 1


def test_what_is_not_counted_is_looked_up(base):
    found = scrape_in_full(base)
    served = httpx.get(f"{base}/readyz").json()["model"]
    assert found.of("har_model_info", name=served["name"], version=str(served["version"])) == 1
    assert found.of("har_workers") == 2
    assert 1e8 < found.of("har_resident_memory_bytes") < 4e9
    assert found.of("har_trainings_waiting") == 0
    assert found.labels("har_jobs", "state") >= {"queued", "running"}


def test_nobody_can_make_series_without_bounds(base):
    for number in range(20):
        httpx.get(f"{base}/nothing/{number}")
        httpx.get(f"{base}/api/v1/models/x@{number}")
        httpx.request(["PROPFIND", "MKCOL", "REPORT"][number % 3], base + LABELS)
        httpx.request("OPTIONS", base + LABELS, headers={"User-Agent": str(number)})
    found = scrape(base)
    assert {
        route for route in found.labels("har_requests_total", "route") if "nothing" in route or "x@" in route
    } == set()
    assert found.of("har_requests_total", route="unknown", status="404") == 20
    assert found.of("har_requests_total", route="/api/v1/models/{version}", status="404") == 20
    assert found.of("har_requests_total", method="other", route=LABELS, status="405") == 20
    assert found.labels("har_requests_total", "method") <= {"GET", "POST", "OPTIONS", "other"}


def test_refusals_are_counted(base):
    before = scrape(base)
    problem(httpx.post(base + PREDICTIONS, content=b"x" * 65_000_000), 413, "request_too_large")
    after = scrape(base)
    assert after.of("har_requests_refused_total", code="request_too_large") == 1
    assert before.of("har_requests_refused_total", code="request_too_large") == 0
    assert after.of("har_requests_total", status="413") == before.of("har_requests_total", status="413") + 1


def test_what_a_killed_worker_has_counted_is_kept(base, folder):
    before = scrape(base)
    for _ in range(20):
        httpx.get(base + LABELS)
    killed = workers(folder / "log")[-1]
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(workers(folder / "log")) == 3)
    until(lambda: scrape(base).of("har_workers") == 2)
    found = scrape(base)
    assert (
        found.of("har_requests_total", route=LABELS, status="200")
        == before.of("har_requests_total", route=LABELS, status="200") + 20
    )
    assert found.of("har_requests_in_flight") == 1
    assert not list((folder / "home" / "metrics").rglob(f"*_{killed}.db"))


def test_the_files_of_ended_workers_do_not_pile_up(base, folder):
    """However many workers have come and gone, there are files of the living alone, and one for the others."""
    for _ in range(2):
        known = len(workers(folder / "log"))
        os.kill(workers(folder / "log")[-1], signal.SIGKILL)
        until(lambda known=known: len(workers(folder / "log")) == known + 1)
    until(lambda: scrape(base).of("har_workers") == 2)
    assert len(list((folder / "home" / "metrics").rglob("counter_*.db"))) <= 3
    assert scrape(base).of("har_requests_total", route="unknown", status="404") == 20


def test_what_a_server_starts_leaves_nothing_among_its_figures(manage, tmp_path):
    counted = tmp_path / "counted"
    counted.mkdir()
    manage("check", PROMETHEUS_MULTIPROC_DIR=str(counted))
    assert list(counted.iterdir()) == []


KILLED = """
import os, signal, sys
from api_service.metrics import files
files.begin()
import django
django.setup()
from api_service.metrics import meters, services
ready, write = os.pipe()
child = os.fork()
if child == 0:
    meters.IN_FLIGHT.inc(7)
    meters.refused("overloaded")
    os.write(write, b"x")
    signal.pause()
os.read(ready, 1)
print(services._counted().decode(), "---")
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
files.end(child)
print(services._counted().decode())
"""


@pytest.fixture
def run_python(home):
    def run(code: str) -> str:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "api_service.settings", "HAR_HOME": str(home)}
        command = [sys.executable, "-c", code]
        ran = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


def test_what_a_killed_worker_had_in_flight_is_forgotten(run_python):
    alive, dead = map(Figures, run_python(KILLED).split("---"))
    assert alive.of("har_requests_in_flight") == 7
    assert dead.of("har_requests_in_flight") == 0
    for figures in (alive, dead):
        assert figures.of("har_requests_refused_total", code="overloaded") == 1


def test_two_servers_on_one_home_do_not_spoil_each_other(base, folder):
    counted = scrape(base).of("har_requests_total", route="unknown")
    root = folder / "home" / "metrics"
    with api(folder / "other", HAR_HOME=str(folder / "home")) as other:
        assert len([path for path in root.iterdir() if path.is_dir()]) == 2
        httpx.get(f"{other}/nothing")
        assert scrape(other).of("har_requests_total", route="unknown") == 1
        assert scrape(base).of("har_requests_total", route="unknown") == counted
    with api(folder / "third", HAR_HOME=str(folder / "home")) as third:
        assert scrape(third).of("har_requests_total", route="unknown") == 0
        assert len([path for path in root.iterdir() if path.is_dir()]) == 2
    assert scrape(base).of("har_requests_total", route="unknown") == counted


@pytest.mark.usefixtures("api_database")
def test_they_are_for_those_with_a_key(client, use_api_setting):
    from api_service.keys import services

    assert client.get("/metrics").status_code == 200
    use_api_setting("AUTH", "required")
    problem(client.get("/metrics"), 401, "key_missing")
    _, text = services.create("Prometheus", ["predict"])
    assert client.get("/metrics", headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_what_cannot_be_had_does_not_keep_the_others_back(client, monkeypatch, caplog):
    from api_service.metrics import services

    def fail() -> None:
        raise ConnectionError("no Redis")

    monkeypatch.setattr(services._queue, "get", fail)
    monkeypatch.setattr(services._job_counts, "get", fail)
    found = Figures(client.get("/metrics").content.decode())
    assert found.of("har_workers") == 1
    assert not {"har_trainings_waiting", "har_jobs"} & {name for name, _ in found}
    assert "no Redis" in caplog.text


def queries(name: str) -> list[str]:
    text = MONITORING[name].read_text("utf-8")
    if name == "alerts":
        return re.findall(r"^\s+expr: (.+)$", text, re.MULTILINE)
    panels = json.loads(text)["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


@pytest.mark.parametrize("name", MONITORING)
def test_the_monitoring_asks_for_what_there_is(base, name):
    httpx.post(base + PREDICTIONS, files={"image": (EXAMPLES / "cycling.jpg").read_bytes()}, timeout=60)
    httpx.post(base + PREDICTIONS, content=b"x" * 65_000_000)
    known = {sample for sample, _ in scrape_in_full(base)}
    asked = {metric for query in queries(name) for metric in re.findall(r"\bhar_\w+", query)}
    assert len(asked) > 3
    assert asked <= known


def test_the_dashboard_can_be_pointed_at_any_prometheus():
    dashboard = json.loads(MONITORING["dashboard"].read_text("utf-8"))
    (variable,) = (found for found in dashboard["templating"]["list"] if found["type"] == "datasource")
    assert variable["query"] == "prometheus"
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == f"${{{variable['name']}}}"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
