"""The Postman collection, run by newman against a live server."""

import json
import os
import re
import subprocess
from datetime import timedelta

import httpx
import pytest
import schemathesis

from har_core.config import PROJECT_ROOT
from har_core.files import locked
from tests.api.test_jobs import served
from tests.training.conftest import coloured_photos  # noqa: F401 - a fixture

NEWMAN = PROJECT_ROOT / ".venv" / "newman" / "node_modules" / ".bin" / "newman"
FOLDER = PROJECT_ROOT / "deploy" / "postman"
DESCRIPTION = schemathesis.openapi.from_path(PROJECT_ROOT / "docs" / "api" / "openapi.yaml")
COLLECTION = FOLDER / "human-action-recognizer.postman_collection.json"


def run(base: str, report, **variables: str) -> set[str]:
    """Sends the collection's requests; gives the names of those that were sent."""
    if not NEWMAN.exists():
        message = "newman is not installed; tests/install_programs.sh does that where there is npm"
        if os.environ.get("HAR_REQUIRE_NEWMAN"):
            pytest.fail(message)
        pytest.skip(message)
    command = [
        *(str(NEWMAN), "run", str(COLLECTION), "--working-dir", str(PROJECT_ROOT), "--color", "off"),
        *("--environment", str(FOLDER / "human-action-recognizer.postman_environment.json")),
        *("--reporters", "cli,json", "--reporter-json-export", str(report)),
    ]
    for name, value in {"baseUrl": base, "allowChanges": "true", **variables}.items():
        command += ["--env-var", f"{name}={value}"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    executions = json.loads(report.read_text())["run"]["executions"]
    answered = [row for row in executions if row.get("response", {}).get("code")]
    for row in answered:
        check(row["request"], row["response"])
    return {row["item"]["name"] for row in answered}


def check(request: dict, response: dict) -> None:
    """An answer is one that the description has for its operation, and of the form that it says there."""
    method, path = request["method"], "/" + "/".join(request["url"]["path"])
    operation = DESCRIPTION.find_operation_by_path(method, path)
    assert str(response["code"]) in operation.definition.raw["responses"], (method, path, response["code"])
    headers = [(header["key"], header["value"]) for header in response["header"]]
    sent = httpx.Request(method, f"http://localhost{path}")
    content = bytes(response["stream"]["data"])
    answer = httpx.Response(response["code"], headers=headers, content=content, request=sent)
    answer.elapsed = timedelta(milliseconds=response["responseTime"])
    operation.validate_response(answer)


def items() -> list[dict]:
    return [item for folder in json.loads(COLLECTION.read_text())["item"] for item in folder["item"]]


def names() -> set[str]:
    return {item["name"] for item in items()}


@pytest.fixture
def home_with_all(made, home, coloured_photos):  # noqa: F811
    """A HAR_HOME with two models and a dataset, where no training begins."""
    assert coloured_photos.name == "coloured"
    made(2)
    with locked(home / "worker.lock"):
        yield home


def test_every_request_passes_where_the_api_is_open(home_with_all, tmp_path):
    """Nothing is changed for others unless the environment says so."""
    with served(home_with_all, tmp_path / "log") as client:
        run(str(client.base_url), tmp_path / "report.json", allowChanges="false")
        assert client.get("/api/v1/promotions").json()["results"] == []
        assert client.get("/api/v1/trainings").json()["results"] == []
        assert client.get("/api/v1/feedback").json()["total"] == 0
        assert client.get("/api/v1/jobs").json()["results"] == []
        sent = run(str(client.base_url), tmp_path / "report.json")
    assert names() - sent == {
        "No key",
        "A key that may only predict, predicting",
        "A key that may only predict, training",
    }


def test_every_request_passes_with_keys(home_with_all, manage, tmp_path):
    manage("migrate", "-v0")
    scopes = [word for scope in ("predict", "feedback", "train", "admin") for word in ("--scope", scope)]
    keys = {
        "apiKey": manage("create_key", "all", *scopes).strip(),
        "predictKey": manage("create_key", "some", "--scope", "predict").strip(),
    }
    with served(home_with_all, tmp_path / "log", HAR_API_AUTH="required") as client:
        assert run(str(client.base_url), tmp_path / "report.json", **keys) == names()


def test_the_collection_has_every_operation():
    sent = {
        (request["method"], "/" + re.sub(r"{{\w+}}|[\w-]+@\d+", "{}", "/".join(request["url"]["path"])))
        for request in [item["request"] for item in items()]
    }
    described = DESCRIPTION.raw_schema["paths"]
    told = {(method.upper(), re.sub(r"{\w+}", "{}", path)) for path, found in described.items() for method in found}
    assert told - sent == set()
