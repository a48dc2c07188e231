"""The download through kagglehub, against a stand-in for Kaggle on this machine."""

import hashlib
import io
import threading
import zipfile
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from kagglesdk import kaggle_env
from PIL import Image
from typer.testing import CliRunner

from har_cli.data import app


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        lines = ["filename,label"]
        for number in range(1, 9):
            photo = io.BytesIO()
            # Noise, so that the archive is larger than the chunks in which it is fetched.
            pixels = np.random.default_rng(number).integers(0, 256, (480, 640, 3), np.uint8)
            Image.fromarray(pixels).save(photo, "JPEG", quality=95)
            file.writestr(f"Human Action Recognition/train/Image_{number}.jpg", photo.getvalue())
            lines.append(f"Image_{number}.jpg,{'sitting' if number % 2 else 'eating'}")
        file.writestr("Human Action Recognition/Training_set.csv", "\n".join(lines))
    return buffer.getvalue()


class StandIn(BaseHTTPRequestHandler):
    """Answers as Kaggle does: a version, then the archive, with ranges and a checksum."""

    content = archive()
    cut = False
    address = ""
    ranges: list[str] = []  # noqa: RUF012 - shared by all requests on purpose

    def do_POST(self):
        self._body()
        if self.path.endswith("GetDataset"):
            return self._send(200, b'{"currentVersionNumber": 1}', "application/json")
        self.send_response(302)
        self.send_header("Location", f"{self.address}/archive.zip")
        self.end_headers()
        return None

    def do_GET(self):
        wanted = self.headers.get("Range")
        if not self.path.startswith("/archive.zip"):
            return self.do_POST()
        if wanted:
            StandIn.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            return self._send(206, self.content[start:], "application/zip")
        return self._send(200, self.content, "application/zip", cut=StandIn.cut)

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status, content, kind, cut=False):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Accept-Ranges", "bytes")
        digest = b64encode(hashlib.md5(self.content).digest()).decode()
        self.send_header("x-goog-hash", f"md5={digest}")
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = True

    def log_message(self, *args):
        del args


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    """The stand-in, at the address where kagglehub looks for Kaggle."""
    StandIn.cut, StandIn.ranges = False, []
    server = ThreadingHTTPServer(("localhost", 0), StandIn)
    StandIn.address = f"http://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    point_kagglehub_at(StandIn.address, monkeypatch, tmp_path)
    yield StandIn
    server.shutdown()
    server.server_close()


def point_kagglehub_at(address, monkeypatch, tmp_path):
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, address)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))


def run():
    done = CliRunner().invoke(app, ["import", "kaggle-har", "--name", "har"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.mark.usefixtures("kaggle")
def test_the_set_is_downloaded_and_imported():
    done = run()
    assert done.exit_code == 0, done.stderr
    assert "8 photos imported" in done.stdout


def test_a_download_that_was_cut_off_is_resumed(kaggle):
    kaggle.cut = True
    first = run()
    assert first.exit_code == 1
    assert "try again" in first.stderr
    kaggle.cut = False
    done = run()
    assert done.exit_code == 0, done.stderr
    assert kaggle.ranges, "the second try asks only for what is missing"


def test_offline_it_says_what_to_do(monkeypatch, tmp_path):
    point_kagglehub_at("http://localhost:9", monkeypatch, tmp_path)
    done = run()
    assert done.exit_code == 1
    assert "Is this machine online?" in done.stderr
    assert "by hand" in done.stderr
