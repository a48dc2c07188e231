"""The API's description: the document, the pages made of it, and the guide."""

import json
import os
import re
import shutil
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator

from har_core.config import PROJECT_ROOT
from tests.api.test_jobs import served

KEPT = PROJECT_ROOT / "docs" / "api" / "openapi.yaml"
GUIDE = PROJECT_ROOT / "docs" / "api" / "README.md"


@pytest.fixture(scope="module")
def server_home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def base(server_home):
    with served(server_home, server_home / "log") as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def document() -> dict:
    return yaml.safe_load(KEPT.read_text())


def operations(document: dict):
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield f"{method.upper()} {path}", operation


@pytest.mark.usefixtures("django")
@pytest.mark.skipif(sys.version_info >= (3, 13), reason="some statuses have other names there")
def test_the_document_is_what_the_code_says(tmp_path):
    from django.core.management import call_command

    made = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(made))
    assert made.read_text() == KEPT.read_text(), "The API has changed: run `make schema`, and look at the difference."


def test_every_operation_is_told_in_full(document):
    names = []
    for name, operation in operations(document):
        names.append(operation["operationId"])
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"][0] in [tag["name"] for tag in document["tags"]], name
        assert min(operation["responses"]) < "300", name
        for status, response in operation["responses"].items():
            assert "X-Request-ID" in response["headers"], name
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], name
    assert len(set(names)) == len(names)


def test_every_example_is_of_the_form_that_it_stands_for(document):
    kept = document["components"]["examples"]
    for name, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for kind, body in [found for each in bodies for found in each.get("content", {}).items()]:
            named = [kept[key] if "$ref" in each else each for key, each in body.get("examples", {}).items()]
            examples = [body["example"]] if "example" in body else [each["value"] for each in named]
            if kind in ("application/json", "application/problem+json"):
                assert examples or name == "GET /api/schema", name
                for example in examples:
                    Draft202012Validator({**body["schema"], "components": document["components"]}).validate(example)


def test_the_document_comes_in_both_forms_and_is_not_sent_again_in_vain(base, document):
    text = httpx.get(f"{base}/api/schema")
    assert text.headers["content-type"].startswith("application/yaml")
    assert yaml.safe_load(text.text) == document
    again = httpx.get(f"{base}/api/schema", headers={"If-None-Match": text.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    body = httpx.get(f"{base}/api/schema", headers={"Accept": "application/json"})
    assert body.headers["content-type"].startswith("application/json")
    assert json.loads(body.content) == document


def test_the_pages_may_load_nothing_from_elsewhere(base):
    for name in ("docs", "redoc"):
        policy = httpx.get(f"{base}/api/{name}", headers={"Accept": "text/html"}).headers["content-security-policy"]
        directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert directives["default-src"] == "'none'"
        assert directives["script-src"] == "'self'"
        assert not any(urlsplit(source).netloc for sources in directives.values() for source in sources.split())


def test_the_commands_of_the_guide_work_as_they_stand(base, server_home, manage):
    """Each block is a script of its own, in the project's folder; a command that is refused fails it."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    key = manage("create_key", "reader", "--scope", "predict", HAR_HOME=str(server_home)).strip()
    said = []
    for block in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL):
        script = 'set -euo pipefail\ncurl() { command curl -sS --fail-with-body "$@"; }\n' + block
        command = ["bash", "-c", script.replace("http://localhost:8000", base)]
        ran = subprocess.run(
            command, cwd=PROJECT_ROOT, env={**os.environ, "KEY": key}, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, block + ran.stdout + ran.stderr
        said.append(ran.stdout)
    assert '"label":"cycling"' in said[0]
    assert "HTTP/1.1 304" in said[-1]


@pytest.mark.usefixtures("django")
def test_every_code_in_the_program_is_known_to_the_description():
    from api_service import urls  # noqa: F401 - brings all errors with it
    from api_service.documentation import codes

    texts = [path.read_text() for path in (PROJECT_ROOT / "api_service").rglob("*.py")]
    written = {found for text in texts for found in re.findall(r'HTTPStatus\.([A-Z_]+), "(\w+)"', text)}
    assert len(written) > 5
    assert {(name, HTTPStatus[status]) for status, name in written} <= {
        (code.name, code.status) for code in codes.known().values()
    }
