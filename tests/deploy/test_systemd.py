"""The units for systemd. There may be no systemd here: what they say is checked, and what they start is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from har_core.config import PROJECT_ROOT
from tests.conftest import EXAMPLES
from tests.deploy import confined
from tests.servers import free_port, running
from tests.waiting import until

SERVICES = sorted(path.name for path in confined.UNITS.glob("*.service"))
SECRET = {"DJANGO_SECRET_KEY": "n3yq-Zk2vUe8wXhT5sJfL9cRbD7mPaGo1iQ4xV6tB0uCzEdWlK"}

needs_analyze = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed (Debian: apt-get install systemd)"
)
needs_confinement = pytest.mark.skipif(bool(confined.missing()), reason=confined.missing())


@needs_analyze
def test_services_expose_little():
    """Of 10, as systemd-analyze counts."""
    command = ["systemd-analyze", "security", "--offline=true", *(str(confined.UNITS / name) for name in SERVICES)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"Overall exposure level for (\S+): ([0-9.]+)", told))
    assert sorted(found) == SERVICES
    assert max(map(float, found.values())) <= 1.3


@needs_analyze
def test_systemd_understands_every_line(tmp_path):
    """Where the programs are is all that differs."""
    units = Path(shutil.copytree(confined.UNITS, tmp_path / "units"))
    for path in units.rglob("*.service"):
        path.write_text(path.read_text("utf-8").replace("/opt/har/.venv/bin", str(Path(sys.executable).parent)))
    names = [str(path) for path in units.iterdir() if path.suffix in {".service", ".socket", ".target"}]
    ran = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_the_environment_file_names_settings_that_there_are():
    text = (confined.UNITS / "har.env").read_text()
    named = set(re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE))
    known = set(re.findall(r"^\| `([A-Z_]+)`", (PROJECT_ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE))
    assert named <= known
    assert {"DJANGO_SECRET_KEY", "HAR_API_AUTH", "DJANGO_ALLOWED_HOSTS", "HAR_HOME"} <= set(confined.environment_file())


def test_a_command_by_hand_gets_the_settings_that_the_services_get(tmp_path):
    """Nothing in a value means anything to a shell, as it means nothing to systemd."""
    wanted = {
        "HAR_HOME": str(tmp_path),
        "DATABASE_URL": "postgres://har:a;b`c$HOME@db/har?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "GUNICORN_CMD_ARGS": "--max-requests 9  --threads=1 # $(touch x)",
        "DJANGO_SECRET_KEY": "last=, and without an end of line",
    }
    file, run = tmp_path / "har.env", tmp_path / "har-run"
    file.write_text("# Settings\n; more of them\n\n" + "\n".join(f"{name}={value}" for name, value in wanted.items()))
    script = (confined.UNITS / "har-run").read_text().replace("cd /opt/har", f"cd {tmp_path}")
    run.write_text(re.sub(r"exec setpriv .* --", "exec", script))  # There is no user har here.
    environment = {"PATH": os.environ["PATH"], "HAR_ENV_FILE": str(file)}
    ran = subprocess.run(["sh", run, "env", "--null"], env=environment, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    found = dict(entry.split("=", 1) for entry in ran.stdout.decode().split("\0") if entry)
    assert found == found | wanted | {"HOME": str(tmp_path)}
    assert {path.name for path in tmp_path.iterdir()} == {"har.env", "har-run"}


@pytest.mark.parametrize(("secret", "is_good"), [(SECRET, True), ({}, False)])
def test_what_does_not_start_is_found_out_before_a_reload(secret, is_good, tmp_path):
    (check, signal) = confined.settings("har-api.service")["ExecReload"]
    assert signal == "kill -HUP $MAINPID"
    words = check.replace("/opt/har/.venv/bin/gunicorn", f"{sys.executable} -m gunicorn").split()
    environment = {**os.environ, **confined.environment_file(), "HAR_HOME": str(tmp_path), **secret}
    ran = subprocess.run(words, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode == 0) == is_good, ran.stderr


@needs_confinement
def test_the_api_and_its_jobs_need_no_more_than_their_units_allow(tmp_path):
    """As installed: a user of their own, who can write nothing but the state folder."""
    state, port = tmp_path / "state", str(free_port())
    state.mkdir()
    base = f"http://127.0.0.1:{port}"

    def start(unit, *words):
        given = [str(word) for word in words] or confined.settings(unit)["ExecStart"][0].split()
        return ["tests.deploy.confined", unit, str(state), *given]

    api = start("har-api.service")
    with running(api, f"{base}/healthz", tmp_path / "log", HAR_API_PORT=port, **SECRET):
        manage = start("har-jobs.service", "/opt/har/.venv/bin/python", "manage.py", "create_key", "Test")
        ran = subprocess.run(
            [sys.executable, "-m", *manage, "--scope", "predict"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **SECRET},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {ran.stdout.strip()}"}) as client:
            photo = (EXAMPLES / "cycling.jpg").read_bytes()
            assert client.post("/api/v1/predictions", files={"image": photo}, timeout=60).json()["label"] == "cycling"
            with running(start("har-jobs.service"), f"{base}/healthz", tmp_path / "jobs", **SECRET):
                job = client.post("/api/v1/jobs", files={"images": photo}, timeout=60).json()
                until(
                    lambda: client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "done",
                    told=(tmp_path / "jobs").read_text,
                )
    assert all(path.stat().st_uid == confined.UID for path in state.rglob("*"))
    assert (state / "api.db").exists()
