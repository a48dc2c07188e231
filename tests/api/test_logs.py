"""The logs: JSON lines with what operators need, and nothing that is nobody's business."""

import base64
import io
import json
import logging

import httpx
import pytest

from tests.api.test_live import CYCLING
from tests.servers import api

PREDICTIONS = "/api/v1/predictions"
TEXT = base64.b64encode(CYCLING).decode()
FORGED = '{"level": "INFO", "forged": 1}'
ASKED = {
    "photo": ("POST", f"{PREDICTIONS}?top_k=2", {"files": {"image": CYCLING}, "headers": {"User-Agent": "x" * 500}}),
    "line-break": ("GET", "/api/v1/models/every%0aday", {}),
    "too-large": ("POST", PREDICTIONS, {"content": b"x" * 65_000_000}),
    "long": ("GET", "/" + "y" * 3000, {}),
    "forged": ("GET", f"/x%0a{FORGED}%0a%0d%e2%80%a8{FORGED}", {"headers": {"User-Agent": FORGED, "Referer": FORGED}}),
    "query": ("POST", f"{PREDICTIONS}?token=s3cret", {"files": {"image": ("s3cret.jpg", CYCLING)}}),
    "base64": ("POST", PREDICTIONS, {"json": {"image": TEXT}, "headers": {"Cookie": "a=s3cret"}}),
    "no-base64": ("POST", PREDICTIONS, {"json": {"image": "s3cret"}}),
    "key": ("GET", "/api/v1/labels", {"headers": {"Authorization": "Bearer s3cret.s3cret", "X-Api-Key": "s3cret"}}),
    "where-from": ("GET", "/nothing?s3cret", {"headers": {"Referer": "http://localhost/?s3cret"}}),
}


@pytest.fixture
def lines(django):
    """What this process logs, as read back from JSON."""
    del django
    written = io.StringIO()
    (handler,) = (found for found in logging.getLogger().handlers if type(found) is logging.StreamHandler)
    before = handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> list[str]:
    """All lines of a server that was asked for each of ASKED."""
    folder = tmp_path_factory.mktemp("logs")
    with api(folder / "log", HAR_HOME=str(folder / "home")) as base:
        for identity, (method, url, more) in ASKED.items():
            headers = {"X-Request-ID": identity, **more.get("headers", {})}
            httpx.request(method, base + url, timeout=60, **{**more, "headers": headers})
    # LiteRT speaks for itself.
    return [line for line in (folder / "log").read_text().splitlines() if "TensorFlow Lite" not in line]


@pytest.fixture(scope="module")
def said(log) -> dict[str, dict]:
    """The lines about requests by their id."""
    found = [line for line in map(json.loads, log) if line["logger"] == "api_service.access"]
    assert [line["request_id"] for line in found][-len(ASKED) :] == list(ASKED)
    return {line["request_id"]: line for line in found}


def test_each_line_says_when_how_bad_who_and_what(log):
    lines = [json.loads(line) for line in log]
    assert {"time", "level", "logger", "message", "request_id"} <= set.intersection(*map(set, lines))
    assert {"gunicorn.error", "uvicorn.error", "api_service.access"} <= {line["logger"] for line in lines}
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_each_request_has_a_line(said):
    found = said["photo"]
    assert found["method"] == "POST"
    assert found["route"] == found["path"] == PREDICTIONS
    assert (found["status"], found["client"], found["key"]) == (200, "127.0.0.1", None)
    assert found["bytes_in"] > len(CYCLING)
    assert 100 < found["bytes_out"] < 1000
    assert 1 < found["ms"] < 60_000
    assert found["model"].startswith("everyday@")
    assert len(found["user_agent"]) == 200
    assert (said["line-break"]["route"], said["line-break"]["status"]) == ("/api/v1/models/{version}", 404)
    assert (said["too-large"]["route"], said["too-large"]["status"]) == ("unknown", 413)
    assert said["long"]["route"] == "unknown"
    assert len(said["long"]["path"]) == 200


def test_nobody_can_forge_a_line(log, said):
    assert said["line-break"]["path"] == "/api/v1/models/every\nday"
    assert "forged" in said["forged"]["path"]
    assert not [line for line in log if "forged" in json.loads(line)]


def test_secrets_and_photos_stay_out(log):
    everything = "\n".join(log)
    assert "s3cret" not in everything
    assert TEXT[:40] not in everything


@pytest.mark.usefixtures("api_database")
def test_whose_request_it_was_is_told_by_the_key_s_prefix(client, lines, use_api_setting):
    from api_service.keys import services

    use_api_setting("AUTH", "required")
    key, text = services.create("a program", ["predict"])
    client.get("/api/v1/labels", headers={"Authorization": f"Bearer {text}", "X-Request-ID": "with"})
    client.get("/api/v1/labels", headers={"X-Request-ID": "without"})
    found = {line["request_id"]: line for line in lines()}
    assert found["with"]["key"] == key.prefix
    assert found["without"]["key"] is None
    assert text.partition(".")[2] not in json.dumps(list(found.values()))


def test_an_unexpected_error_is_logged_once_with_its_id_and_traceback(client, lines, monkeypatch):
    from api_service.health.apis import HealthApi

    def fail(*_: object) -> None:
        raise RuntimeError("what happened")

    monkeypatch.setattr(HealthApi, "get", fail)
    client.get("/healthz?token=s3cret", headers={"X-Request-ID": "mine"})
    error, access = [line for line in lines() if line["request_id"] == "mine"]
    assert error["level"] == "ERROR"
    assert "RuntimeError: what happened" in error["exc_info"]
    assert access["status"] == 500
    assert "s3cret" not in json.dumps([error, access])


def test_the_lines_of_a_request_s_threads_have_its_id(client, lines, monkeypatch):
    from api_service.predictions import services

    def fail(*_: object) -> None:
        logging.getLogger("deep.inside").warning("look here")

    monkeypatch.setattr(services.recent, "keep", fail)
    client.post(PREDICTIONS, {"images": [io.BytesIO(CYCLING), io.BytesIO(CYCLING)]}, headers={"X-Request-ID": "mine"})
    inside = [line for line in lines() if line["logger"] == "deep.inside"]
    assert [line["request_id"] for line in inside] == ["mine", "mine"]
