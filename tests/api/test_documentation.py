"""The API's description: the document, the pages made of it, and the guide."""

import json
import sys
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from har_core.config import PROJECT_ROOT
from tests.servers import api

KEPT = PROJECT_ROOT / "docs" / "api" / "openapi.yaml"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    home = tmp_path_factory.mktemp("api")
    with api(home / "log", HAR_HOME=str(home)) as found:
        yield found


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
