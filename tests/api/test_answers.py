"""What all answers have in common: ids, errors, methods, caching, CORS, timing."""

import re
import socket

import httpx
import pytest

from tests.api.test_live import CYCLING, problem
from tests.servers import api

LABELS, PREDICTIONS = "/api/v1/labels", "/api/v1/predictions"
FRIEND, STRANGER = "https://app.example.org", "https://evil.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    environment = {"HAR_HOME": str(folder / "home"), "HAR_API_CORS_ORIGINS": f"{FRIEND}, http://localhost:3000"}
    with api(folder / "log", **environment) as base, httpx.Client(base_url=base, timeout=60) as found:
        yield found


def send(server, line: str, *headers: bytes, body: bytes = b"", host: bytes = b"localhost") -> httpx.Response:
    """Sends what no client library would."""
    head = b"\r\n".join([line.encode("latin-1"), b"Host: " + host, b"Connection: close", *headers])
    with socket.create_connection((server.base_url.host, server.base_url.port), timeout=30) as connection:
        connection.sendall(head + b"\r\n\r\n" + body)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, content = received.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    pairs = [tuple(line.split(b": ", 1)) for line in lines]
    return httpx.Response(int(status.split()[1]), headers=pairs, content=content)


def raw(content: bytes = b"x", *headers: bytes):
    return {"headers": [b"Content-Length: %d" % len(content), *headers], "body": content}


@pytest.mark.parametrize("sent", ["abc", "01-Ab.c_d", "x" * 64])
def test_a_harmless_id_of_the_client_is_kept(server, sent):
    for url in (LABELS, "/nothing"):
        answer = server.get(url, headers={"X-Request-ID": sent})
        assert answer.headers["x-request-id"] == sent
    assert answer.json()["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", 'a"b', "a\tb", "<b>", "{}", "é"])
def test_any_other_id_is_replaced(server, sent):
    answers = [server.get("/nothing", headers={b"X-Request-ID": sent.encode()}) for _ in range(2)]
    found = {answer.headers["x-request-id"] for answer in answers}
    assert len(found) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", identity) for identity in found)
    assert answers[1].json()["request_id"] == answers[1].headers["x-request-id"]


@pytest.mark.parametrize(
    ("line", "more", "status", "code"),
    [
        ("GET /healthz", {"host": b"evil.example"}, 400, "bad_request"),
        ("GET /healthz", {"host": b"["}, 400, "bad_request"),
        ("GET /healthz", {"host": b"\xff"}, 400, "bad_request"),
        ("GET /api/v1/models/%00", {}, 404, "unknown_model"),
        ("GET /api/v1/models/%ff%fe", {}, 404, "unknown_model"),
        ("GET /api/v1/models/%zz", {}, 404, "unknown_model"),
        ("GET /api/v1/../../etc/passwd", {}, 404, "not_found"),
        ("GET //evil.example/%2f", {}, 404, "not_found"),
        ("GET /static/%00", {}, 404, "not_found"),
        ("GET /healthz/", {}, 404, "not_found"),
        (f"POST {PREDICTIONS}?top_k=%ff%00", raw(), 400, "invalid_parameter"),
        ("GET /api/v1/trainings?limit=%ed%a0%80", {}, 400, "invalid_parameter"),
        ("GET /api/v1/trainings?" + "a=1&" * 3000, {}, 400, "malformed_request"),
        (f"GET {LABELS}", {"headers": [b"Accept: text/html"]}, 406, "not_acceptable"),
        (f"GET {LABELS}", {"headers": [b"Accept: ;;;///,\xff"]}, 406, "not_acceptable"),
        (f"TRACE {LABELS}", {}, 405, "method_not_allowed"),
        (f"PROPFIND {LABELS}", {}, 405, "method_not_allowed"),
        (f"POST {PREDICTIONS}", raw(b"x", b"Content-Type: \xff\xfe"), 415, "unsupported_media_type"),
        (
            f"POST {PREDICTIONS}",
            raw(b"x", b"Content-Type: multipart/form-data; boundary=\xff"),
            400,
            "malformed_request",
        ),
        (f"POST {PREDICTIONS}", raw(b'"\xff"', b"Content-Type: application/json"), 400, "malformed_request"),
        (f"POST {PREDICTIONS}", raw(b"x", b"Content-Type: image/png", b"Origin: http://["), 403, "forbidden"),
        (f"POST {PREDICTIONS}", raw(b"x", b"Content-Type: image/png", b"Expect: x"), 415, "not_an_image"),
    ],
)
def test_what_django_and_its_framework_refuse_is_a_problem_too(server, line, more, status, code):
    more = dict(more)
    answer = send(server, f"{line} HTTP/1.1", *more.pop("headers", ()), **more)
    body = problem(answer, status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ("allow" in answer.headers) or status != 405


@pytest.mark.usefixtures("api_database")
@pytest.mark.parametrize("url", ["/healthz", "/api/v1/nothing"])
def test_what_goes_wrong_here_is_told_by_its_id_alone(client, monkeypatch, caplog, url):
    """In a view, and before one is reached."""
    from django.middleware.common import CommonMiddleware

    from api_service.health.apis import HealthApi

    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(HealthApi, "get", fail)
    if url != "/healthz":
        monkeypatch.setattr(CommonMiddleware, "process_request", fail)
    answer = client.get(url, headers={"X-Request-ID": "mine"})
    assert problem(answer, 500, "internal_error")["request_id"] == "mine"
    assert b"secret" not in answer.content
    assert "RuntimeError: secret" in caplog.text


@pytest.mark.usefixtures("api_database")
def test_a_database_that_is_gone_is_no_mistake_of_ours(client, monkeypatch):
    from django.db import OperationalError

    from api_service.health.apis import HealthApi

    def fail(*_: object) -> None:
        raise OperationalError("connection to 10.0.0.1 refused")

    monkeypatch.setattr(HealthApi, "get", fail)
    answer = client.get("/healthz")
    assert "10.0.0.1" not in problem(answer, 503, "database_unreachable")["detail"]


def test_pages_for_people_keep_their_form(server):
    login = server.get("/admin/login/")
    assert login.headers["content-type"].startswith("text/html")
    assert server.post("/admin/login/", data={"username": "x"}).headers["content-type"].startswith("text/html")
    assert server.get("/api/docs").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("url", [LABELS, "/healthz", "/readyz", "/api/v1/models", "/api/v1/trainings", "/nothing"])
def test_head_is_get_without_content(server, url):
    full, head = server.get(url), server.head(url)
    assert (head.status_code, head.content) == (full.status_code, b"")
    changing = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in full.headers.items() if k not in changing
    }
    assert server.get("/healthz").status_code == 200  # The connection is still in step.


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (LABELS, "GET, HEAD, OPTIONS"),
        (PREDICTIONS, "POST, OPTIONS"),
        ("/api/v1/trainings/x", "GET, DELETE, HEAD, OPTIONS"),
    ],
)
def test_options_says_which_methods_there_are_to_whoever_asks(client, use_api_setting, url, allowed):
    use_api_setting("AUTH", "required")
    answer = client.options(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Allow"] == allowed
    assert client.put(url, headers={"Authorization": "Bearer no.key"}).status_code == 401


@pytest.mark.parametrize("url", [LABELS, "/api/v1/models"])
def test_what_has_not_changed_is_not_sent_again(server, url):
    answer = server.get(url)
    assert answer.headers["cache-control"] == "no-cache"
    assert "Authorization" in answer.headers["vary"]
    for ask in (server.get, server.head):
        again = ask(url, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]
    for stale in ('"other"', '"', "\xff"):
        assert server.get(url, headers={b"If-None-Match": stale.encode()}).status_code == 200


def test_what_is_somebody_s_own_is_not_kept(server):
    answers = [server.post(PREDICTIONS, files={"image": CYCLING}), server.get("/api/v1/trainings")]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


def test_what_needs_a_key_is_not_kept_by_those_in_between(use_api_setting):
    from django.http import HttpResponse
    from django.test import RequestFactory
    from django.views import View

    from api_service.models.apis import revalidated

    use_api_setting("AUTH", "required")
    view = revalidated(type("Some", (View,), {"get": lambda *_: HttpResponse()})).as_view()
    answer = view(RequestFactory().get("/"))
    assert answer.headers["Cache-Control"] == "no-cache, private"
    assert answer.headers["Vary"] == "Authorization"


def test_pages_of_named_origins_may_ask(server):
    answer = server.get(LABELS, headers={"Origin": FRIEND})
    assert answer.headers["access-control-allow-origin"] == FRIEND
    exposed = answer.headers["access-control-expose-headers"]
    assert {"X-Request-ID", "Location", "Retry-After", "Server-Timing"} <= set(exposed.split(", "))
    assert "access-control-allow-credentials" not in answer.headers
    assert server.get("/api/v1/nothing", headers={"Origin": FRIEND}).headers["access-control-allow-origin"] == FRIEND
    sent = server.post(
        PREDICTIONS, files={"image": CYCLING}, headers={"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
    )
    assert sent.status_code == 200


def test_pages_of_other_origins_may_not(server):
    for url in (LABELS, "/api/v1/nothing"):
        answer = server.get(url, headers={"Origin": STRANGER})
        assert "access-control-allow-origin" not in answer.headers
        assert "origin" in answer.headers["vary"]
    assert "access-control-allow-origin" not in server.get("/admin/login/", headers={"Origin": FRIEND}).headers


def test_a_browser_may_ask_beforehand_without_a_key(server):
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = server.options(PREDICTIONS, headers={"Origin": FRIEND, **wish})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"authorization", "x-request-id"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert (
        "access-control-allow-origin" not in server.options(PREDICTIONS, headers={"Origin": STRANGER, **wish}).headers
    )


@pytest.mark.parametrize("origin", ["app.example.org", "https://app.example.org/", "ftp://x", "https://a b", "null"])
def test_an_origin_that_can_be_none_is_refused_at_the_start(use_api_setting, origin):
    from api_service.config import settings
    from har_core.errors import SettingsInvalid

    use_api_setting("CORS_ORIGINS", f"{FRIEND},{origin}")
    with pytest.raises(SettingsInvalid, match="HAR_API_CORS_ORIGINS"):
        settings()


@pytest.mark.parametrize(
    "files", [{"image": CYCLING}, [("images", CYCLING), ("images", b"no photo"), ("images", CYCLING)]]
)
def test_predictions_say_what_took_how_long(server, files):
    answer = server.post(PREDICTIONS, files=files)
    metric = r'(\w+);desc="[^"]+";dur=(\d+\.\d\d)'
    assert re.fullmatch(rf"{metric}(, {metric})*", answer.headers["server-timing"])
    spans = {name: float(ms) for name, ms in re.findall(metric, answer.headers["server-timing"])}
    assert set(spans) == {"wait", "decode", "model", "total"}
    assert all(spans.values())
    body = answer.json()
    timed = sum(row.get("timing_ms", 0) for row in body.get("results", [body]))
    assert spans["decode"] + spans["model"] == pytest.approx(timed, abs=0.1)
    if "results" not in body:
        assert spans["wait"] + timed <= spans["total"]


def test_answers_are_nothing_but_data_to_a_browser(server):
    for url in (LABELS, "/api/v1/nothing"):
        headers = server.get(url).headers
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
