"""The app and the API behind nginx, as one host serves them to others."""

import gzip
import json
import re
import socket
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from tests import servers
from tests.conftest import EXAMPLES
from tests.deploy import proxy
from tests.deploy.proxy import API, APP
from tests.servers import free_port, gunicorn
from tests.waiting import until

pytestmark = pytest.mark.skipif(not proxy.NGINX, reason="nginx is not installed (Debian: apt-get install nginx-light)")

CYCLING = (EXAMPLES / "cycling.jpg").read_bytes()
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module", autouse=True)
def names():
    """Both names lead to this machine."""
    asked = socket.getaddrinfo

    def getaddrinfo(host, *rest, **options):
        return asked("127.0.0.1" if host in {APP, API} else host, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return {
        "HAR_HOME": str(tmp_path_factory.mktemp("home")),
        "DJANGO_SETTINGS_MODULE": "api_service.production",
        "HAR_API_AUTH": "required",
        "DJANGO_SECRET_KEY": "n3yq-Zk2vUe8wXhT5sJfL9cRbD7mPaGo1iQ4xV6tB0uCzEdWlK",
        "DJANGO_ALLOWED_HOSTS": API,
        "HAR_MAX_REQUEST_BYTES": "1000000",
        "HAR_API_ANONYMOUS_RATE": "20/day",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }


@pytest.fixture(scope="module")
def manage(environment):
    return partial(servers.manage, **environment)


@pytest.fixture(scope="module")
def front(tmp_path_factory, environment):
    """nginx, the API behind it, and what the API logs."""
    folder, log = tmp_path_factory.mktemp("nginx"), tmp_path_factory.mktemp("api") / "log"
    with gunicorn(log, **environment) as (base, _):
        # A tenth of the rate, since a busy machine cannot ask faster.
        written = proxy.write(folder, httpx.URL(base).port, free_port(), {"rate=100r/s": "rate=10r/s"})
        with proxy.running(written):
            yield written, log


@pytest.fixture(scope="module")
def key(front, manage):
    del front  # It has made the database.
    return manage("create_key", "Test", "--scope", "predict")


@pytest.fixture
def client(front, key):
    with front[0].client(API, headers={"Authorization": f"Bearer {key}"}) as found:
        yield found


def problem(response, status, code):
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body


def test_nginx_takes_the_file_as_it_ships(tmp_path):
    """With nothing replaced but what this machine lacks: certificates, ports below 1024, folders of root."""
    proxy.write(tmp_path, 8000, 8501)
    assert "syntax is ok" in proxy.check(tmp_path)
    assert "warn" not in proxy.check(tmp_path)


def test_a_photo_is_answered_over_https(client):
    response = client.post("/api/v1/predictions", files={"image": CYCLING})
    assert response.json()["label"] == "cycling"
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert response.headers.get_list("Strict-Transport-Security") == ["max-age=31536000"]
    assert "nginx/" not in response.headers.get("Server", "")


def test_a_body_in_chunks_is_passed_on(client):
    chunks = iter([CYCLING[:5000], CYCLING[5000:]])
    response = client.post("/api/v1/predictions", content=chunks, headers={"Content-Type": "image/jpeg"})
    assert response.json()["label"] == "cycling"


def test_the_api_itself_says_what_is_too_large(client):
    body = problem(client.post("/api/v1/predictions", content=b"x" * 3_000_000), 413, "request_too_large")
    assert "1 MB" in body["detail"]


def test_much_is_not_taken_in_from_those_without_a_key(front):
    """A job of 80 MB is refused before it has been uploaded."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {API}\r\nContent-Type: application/zip\r\nContent-Length: 80000000\r\n"
    with (
        socket.create_connection((API, front[0].https), 60) as plain,
        context.wrap_socket(plain, server_hostname=API) as link,
    ):
        link.sendall(head.encode() + b"\r\n" + b"x" * 100_000)
        assert b"401" in link.makefile("rb").readline()


def test_the_documentation_and_its_files_are_there(client):
    page = client.get("/api/docs")
    assert page.status_code == 200
    (script,) = {path for path in re.findall(r'src="([^"]+)"', page.text) if "bundle" in path}
    response = client.get(script, headers={"Accept-Encoding": "gzip"})
    assert (response.status_code, response.headers["Content-Encoding"]) == (200, "gzip")
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert "max-age" in response.headers["Cache-Control"]
    with client.stream("GET", script, headers={"Accept-Encoding": "gzip"}) as raw:
        packed = b"".join(raw.iter_raw())
    assert gzip.decompress(packed) == client.get(script, headers={"Accept-Encoding": "identity"}).content
    assert len(packed) < int(client.head(script, headers={"Accept-Encoding": "identity"}).headers["Content-Length"]) / 2
    assert client.get("/static/admin/css/base.css").status_code == 200


def test_an_administrator_logs_in(front, manage):
    manage("createsuperuser", "--noinput", "--username", "admin", "--email", "")
    with front[0].client(API) as client:
        page = client.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        form = {"csrfmiddlewaretoken": token, "username": "admin", "password": PASSWORD, "next": "/admin/"}
        origin = str(client.base_url).rstrip("/")
        foreign = client.post("/admin/login/", data=form, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        response = client.post("/admin/login/", data=form, headers={"Origin": origin, "Referer": f"{origin}/admin/"})
        assert (response.status_code, response.headers["Location"]) == (302, "/admin/")
        assert "secure" in response.headers["Set-Cookie"].lower()
        assert "Log out" in client.get("/admin/").text


def test_passwords_are_not_guessed_fast(front):
    with front[0].client(API) as client:
        found = Counter(client.post("/admin/login/", data={"password": "x"}).status_code for _ in range(20))
    assert found[429] >= 4


def test_administration_and_figures_are_for_ones_own_network(front, key):
    with front[0].client(API, source="127.0.0.2", headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.get("/admin/").status_code == 403
        assert client.get("/metrics").status_code == 403
    with front[0].client(API, headers={"Authorization": f"Bearer {key}"}) as client:
        assert "har_requests_total" in client.get("/metrics").text


def line_about(log, identity):
    def lines():
        return [line for line in log.read_text().splitlines() if identity in line and '"client"' in line]

    until(lines)
    return json.loads(lines()[0])


def test_the_clients_real_address_is_logged_and_no_header_changes_it(front, key):
    nginx, log = front
    claims = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7", "X-Real-IP": "203.0.113.7"}
    headers = claims | {"Authorization": f"Bearer {key}", "X-Request-ID": "who-is-it", "X-Forwarded-Proto": "http"}
    with nginx.client(API, source="127.0.0.3") as client:
        assert client.get("/api/v1/labels", headers=headers).headers["X-Request-ID"] == "who-is-it"
    assert line_about(log, "who-is-it")["client"] == "127.0.0.3"
    assert line_about(nginx.folder / "har.log", "who-is-it")["client"] == "127.0.0.3"
    with nginx.client(API, source="127.0.0.3") as client:
        response = client.get("/healthz", headers={"X-Request-ID": 'no "id"'})
    assert line_about(nginx.folder / "har.log", response.headers["X-Request-ID"])["path"] == "/healthz"


def test_a_claimed_address_gets_around_no_limit(front):
    """The API lets an address ask 20 times a day without a key."""
    with front[0].client(API, source="127.0.0.4") as client:
        found = [
            client.get("/api/v1/labels", headers={"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(30)
        ]
    counted = Counter(response.status_code for response in found)
    assert counted.keys() == {401, 429}
    problem(found[-1], 429, "rate_limited")


def test_a_flood_is_stopped_before_the_api(front):
    nginx, log = front
    with nginx.client(API, source="127.0.0.5") as client, ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: client.get("/no-such-page"), range(800)))
    counted = Counter(response.status_code for response in found)
    assert counted.keys() == {404, 429}
    refused = next(response for response in found if response.status_code == 429)
    problem(refused, 429, "rate_limited")
    assert refused.headers["Retry-After"] == "1"
    assert log.read_text().count('"127.0.0.5"') == counted[404]


def test_plain_http_leads_to_https_and_a_key_in_the_open_is_told(front, key):
    nginx, _ = front
    for name in (APP, API):
        response = httpx.get(f"http://{name}:{nginx.http}/a?b=c")
        assert response.status_code == 308
        assert response.headers["Location"] == f"https://{name}:{nginx.https}/a?b=c"
    told = httpx.get(f"http://{API}:{nginx.http}/api/v1/labels", headers={"Authorization": f"Bearer {key}"})
    assert told.status_code == 403
    assert "Revoke it" in told.text


def test_other_names_get_no_answer(front):
    with pytest.raises(httpx.TransportError):
        front[0].client("127.0.0.1").get("/healthz")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{front[0].http}/")


def test_where_nothing_listens_behind_it_is_told_in_the_apis_form(tmp_path):
    with proxy.running(proxy.write(tmp_path, free_port(), free_port())) as nginx, nginx.client(API) as client:
        response = client.get("/api/v1/labels")
    problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "5"
