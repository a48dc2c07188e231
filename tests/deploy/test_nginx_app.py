"""The app behind nginx, in a real browser."""

import socket
import ssl
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from har_core.config import PROJECT_ROOT
from har_ui.menu import SECTIONS
from tests import camera
from tests.conftest import EXAMPLES
from tests.deploy import confined, proxy
from tests.deploy.proxy import APP
from tests.servers import app, free_port, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not proxy.NGINX, reason="nginx is not installed (Debian: apt-get install nginx-light)"),
]


_FINE = {101, 200, 204, 206, 304, 401, 404}


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    with the_app(folder) as port, proxy.running(proxy.write(folder, free_port(), port)) as found:
        yield found


@contextmanager
def the_app(folder):
    """The app as systemd runs it, where that can be done here; else as anybody does. Gives its port."""
    if confined.missing():
        settings = {"HAR_HOME": str(folder / "home"), "STREAMLIT_SERVER_ALLOWED_HOSTS": APP}
        with app(folder / "log", **settings) as base:
            yield httpx.URL(base).port
        return
    port = free_port()
    (folder / "home").mkdir()
    (start,) = confined.settings("har-app.service")["ExecStart"]
    command = [
        "tests.deploy.confined",
        "har-app.service",
        str(folder / "home"),
        *start.replace("8501", str(port)).split(),
    ]
    with running(command, f"http://127.0.0.1:{port}/_stcore/health", folder / "log"):
        yield port


@pytest.fixture
def page(nginx, playwright, tmp_path):
    """A tab, with a camera; the app shows no exception, the browser blocks nothing, and no WebSocket is cut off."""
    clip = camera.clip(tmp_path / "clip.mjpeg", (EXAMPLES / "cycling.jpg").read_bytes())
    flags = [*camera.flags(clip), f"--host-resolver-rules=MAP {APP} 127.0.0.1"]
    browser = playwright.chromium.launch(executable_path=str(camera.CHROMIUM), args=flags)
    try:
        context = browser.new_context(
            ignore_https_errors=True,
            base_url=f"https://{APP}:{nginx.https}",
            http_credentials={"username": proxy.VISITOR[0], "password": proxy.VISITOR[1]},
        )
        found = context.new_page()
        found.set_default_timeout(60_000)
        faults, opened = [], []
        found.on("pageerror", lambda error: faults.append(str(error)))
        found.on("console", lambda told: faults.append(told.text) if "Security Policy" in told.text else None)
        # Streamlit finds out where it is by asking for what may not be there.
        found.on("response", lambda told: faults.append(told.url) if told.status not in _FINE else None)

        def watch(link):
            opened.append(link.url)
            link.on("close", lambda _: faults.append("a WebSocket was closed"))

        found.on("websocket", watch)
        yield found
        assert opened
        assert faults == []
        assert found.locator("[data-testid=stException]").count() == 0
    finally:
        browser.close()


def test_a_photo_is_uploaded_and_answered(page):
    page.goto("/photos")
    page.locator("input[type=file]").first.set_input_files(EXAMPLES / "cycling.jpg")
    expect(page.get_by_role("heading", name="cycling")).to_be_visible()


def test_every_page_works_with_what_the_browser_is_told_to_allow(page):
    found = [(path, name) for pages in SECTIONS.values() for path, name, _ in pages]
    pages = {f"pages/{path.name}" for path in (PROJECT_ROOT / "pages").glob("*.py")}
    assert {path for path, _ in found} == {"Home.py", *pages}
    page.goto("/")
    expect(page.get_by_role("heading", name="cycling")).to_be_visible()  # All of the first page is there.
    for path, name in found[1:]:
        page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
        page.wait_for_url(f"**/{Path(path).stem}*")
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def test_the_camera_finds_its_way(page):
    page.goto("/webcam")
    camera.start(page)
    expect(page.get_by_role("heading", name="cycling")).to_be_visible()


@pytest.mark.parametrize(("origin", "status"), [(f"https://{APP}", b"101"), ("https://evil.example", b"403")])
def test_pages_of_others_open_no_websocket(nginx, origin, status):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    words = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {APP}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket"
    )
    words += f"\r\nAuthorization: Basic {b64encode(':'.join(proxy.VISITOR).encode()).decode()}"
    words += "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", nginx.https), 60) as plain,
        context.wrap_socket(plain, server_hostname=APP) as link,
    ):
        link.sendall(words.encode())
        assert status in link.makefile("rb").readline()


def test_what_a_browser_is_told(nginx):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", _here)
        with nginx.client(APP) as client:
            assert client.get("/").status_code == 401
            client.auth = proxy.VISITOR
            headers = client.get("/").headers
            missing = client.get("/_stcore/no-such-thing").headers
            assert client.post("/_stcore/upload_file/a/b", content=iter([b"x"] * 2)).status_code < 500
    for name in ("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
        assert headers.get_list(name) == missing.get_list(name)
        assert len(headers.get_list(name)) == 1
    assert "camera=(self)" in headers["Permissions-Policy"]


def _here(_, port, *rest, **options):
    return _ASKED("127.0.0.1", port, *rest, **options)


_ASKED = socket.getaddrinfo
