"""What the images hold is enough for what they run; see containerfile.py for what stands in for an engine."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from har_core.config import PROJECT_ROOT
from har_core.files import is_locked
from tests.conftest import EXAMPLES
from tests.deploy.containerfile import CONTAINERFILE, TARGETS, Image, is_ignored, stages, tracked
from tests.servers import free_port
from tests.waiting import until

BIN = Path(sys.executable).parent
# Of what is installed, in megabytes; with TensorFlow it is several thousand.
MOST = {"api": 750, "app": 1150}
# Runs every page, and says of each what went wrong and whether there is anything on it.
PAGES = """
from pathlib import Path
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(Path("Home.py").absolute(), default_timeout=240).run()
print("Home.py", [error.message for error in app.exception], len(app.main) > 0)
for page in sorted(Path("pages").glob("*.py")):
    app = app.switch_page(str(page)).run()
    print(page, [error.message for error in app.exception], len(app.main) > 0)
"""
ALLOWED = "har.example.org"


@contextmanager
def started(
    command: list[str], image: Image, log: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=image.app, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(240)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def moved(words: list[str], port: int) -> list[str]:
    """A command or an address with a free port in place of the container's own."""
    return [word.replace("8000", str(port)).replace("8501", str(port)) for word in words]


def is_healthy(image: Image, port: int, environment: dict[str, str]) -> bool:
    """What the image's HEALTHCHECK finds."""
    command = image.arguments(moved(image.stage.health() or [], port))
    return subprocess.run(command, check=False, cwd=image.app, env=environment, capture_output=True).returncode == 0


def output(image: Image, environment: dict[str, str], *command: str) -> str:
    """What a command says on stdout."""
    words = image.arguments(list(command))
    done = subprocess.run(words, check=False, cwd=image.app, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def listing(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    image = Image("api", tmp_path_factory.mktemp("api"))
    image.install()
    return image


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    image = Image("app", tmp_path_factory.mktemp("app"))
    image.install()
    return image


def test_hadolint_finds_nothing():
    found = subprocess.run([BIN / "hadolint", CONTAINERFILE], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_engine_is_sent_neither_state_nor_secrets_nor_tests():
    for path in ("var/har.db", ".git/config", ".venv/bin/python", "tests/conftest.py", "deploy/compose/.env", "x.db"):
        assert is_ignored(path), path
    for path in (".streamlit/secrets.toml", "har_core/__pycache__/config.pyc", "deploy/kubernetes/secret.env"):
        assert is_ignored(path), path
    assert not is_ignored("har_core/config.py")


def test_all_that_the_code_reads_is_sent():
    packages = ("api_service/", "har_cli/", "har_core/", "har_ui/", "models/", "pages/", "training/")
    assert [path for path in tracked() if path.startswith(packages) and is_ignored(path)] == []


def test_versions_stand_in_the_lock_file_alone():
    for target in ("api", "app"):
        names = (CONTAINERFILE.parent / f"requirements-{target}.txt").read_text().splitlines()
        assert not [name for name in names if any(sign in name.partition("#")[0] for sign in "=<>~")]
    uv = next(
        line for line in (PROJECT_ROOT / "requirements-dev.txt").read_text().splitlines() if line.startswith("uv=")
    )
    assert f"pip install --no-cache-dir {uv}" in CONTAINERFILE.read_text()


def test_health_is_asked_of_the_server_itself_and_of_no_proxy():
    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.headers["Host"] == ALLOWED else 404)
            self.end_headers()

    script = CONTAINERFILE.parent / "healthy.py"
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for names, status in ((f"{ALLOWED},localhost", 0), ("elsewhere.example.org", 1)):
            environment = {"http_proxy": f"http://127.0.0.1:{free_port()}", "DJANGO_ALLOWED_HOSTS": names}
            command = [sys.executable, script, f"http://127.0.0.1:{server.server_port}/readyz"]
            ran = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
            assert ran.returncode == status, ran.stderr
        server.shutdown()


@pytest.mark.parametrize("target", TARGETS)
def test_no_image_runs_as_root_and_signals_reach_its_program(target):
    stage = stages()[target]
    assert stage.last("USER") == "10001:10001"  # A number: Kubernetes has to see that it is not root's.
    assert isinstance(stage.command(), list)


def test_the_api_answers_without_tensorflow(api, tmp_path):
    port, log = free_port(), tmp_path / "log"
    environment = api.environment(
        HAR_API_PORT=str(port),
        HAR_API_HOST="127.0.0.1",
        WEB_CONCURRENCY="1",
        DJANGO_SECRET_KEY="0123456789" * 5,
        DJANGO_ALLOWED_HOSTS=ALLOWED,
    )

    def run(*command: str) -> str:
        return output(api, environment, *command)

    before = listing(api.app) | listing(api.venv)
    with started(api.arguments(api.stage.command()), api, log, environment) as server:
        until(lambda: is_healthy(api, port, environment), process=server, told=log.read_text)
        key = run("python", "manage.py", "create_key", "test", "--scope", "predict").strip()
        headers = {"Host": ALLOWED, "Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
            assert client.get("/readyz").json()["status"] == "ready"
            photo = {"image": (EXAMPLES / "cycling.jpg").read_bytes()}
            answer = client.post("/api/v1/predictions", files=photo, params={"explain": True})
            assert answer.json()["label"] == "cycling", answer.text
            assert client.get("/api/schema").status_code == 200
            worker = api.arguments(["python", "manage.py", "work_jobs"])
            with started(worker, api, log, environment) as jobs:
                job = client.post("/api/v1/jobs", files={"images": ("a.jpg", photo["image"])}).headers["Location"]
                until(lambda: client.get(job).json()["state"] == "done", process=jobs, told=log.read_text)
                assert client.get(f"{job}/results").json()["label"] == "cycling"
        run("python", "-c", "from training import queue; queue.ensure_worker()")
        assert not (api.home / "worker.log").exists()  # It could not train.
        assert "everyday@" in run("har", "models", "list")
    assert server.returncode == 0, log.read_text()
    assert (listing(api.app) | listing(api.venv)) == before


def test_the_app_shows_every_page_without_tensorflow(app, tmp_path):
    port, log = free_port(), tmp_path / "log"
    environment = app.environment()
    before = listing(app.app) | listing(app.venv)
    command = [*app.arguments(moved(app.stage.command(), port))]
    with started(command, app, log, environment) as server:
        until(lambda: is_healthy(app, port, environment), process=server, told=log.read_text)
        found = output(app, environment, "python", "-c", PAGES).splitlines()
    # One line each, without an exception, and with something on it.
    assert len(found) == 1 + len(list((PROJECT_ROOT / "pages").glob("*.py"))), found
    assert [line for line in found if not line.endswith(" [] True")] == []
    assert (listing(app.app) | listing(app.venv)) == before


@pytest.mark.parametrize("target", ["api", "app"])
def test_tensorflow_is_not_there_and_the_packages_are_small(target, request):
    image = request.getfixturevalue(target)
    for name in ("tensorflow", "keras", "onnx", "tf2onnx"):
        code = f"import importlib.util; raise SystemExit(importlib.util.find_spec('{name}') is not None)"
        subprocess.run(image.arguments(["python", "-c", code]), check=True)
    assert image.size() < MOST[target]


def test_the_worker_has_all_that_training_imports(tmp_path):
    """Its packages are those of requirements.txt, as here."""
    image = Image("worker", tmp_path)
    image.venv.symlink_to(Path(sys.prefix))
    environment = image.environment(PYTHONPYCACHEPREFIX="")
    log = tmp_path / "log"
    with started(image.arguments(image.stage.command()), image, log, environment) as worker:
        until(lambda: is_locked(image.home / "worker.lock"), process=worker, told=log.read_text)
        code = "import har_cli.train, training.run; print(training.run.__file__)"
        assert output(image, environment, "python", "-c", code).startswith(str(image.app))
    assert worker.returncode == 0, log.read_text()
