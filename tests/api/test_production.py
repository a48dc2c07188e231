"""The settings for an API that others reach."""

import os
import subprocess
import sys

import httpx
import pytest

from har_core.config import PROJECT_ROOT
from tests.servers import api, free_port

GOOD = {
    "DJANGO_SETTINGS_MODULE": "api_service.production",
    "HAR_API_AUTH": "required",
    "DJANGO_SECRET_KEY": "n3yq-Zk2vUe8wXhT5sJfL9cRbD7mPaGo1iQ4xV6tB0uCzEdWlK",
    "DJANGO_ALLOWED_HOSTS": "api.example.org",
}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HAR_API_AUTH", None),
        ("HAR_API_AUTH", "local"),
        ("DJANGO_SECRET_KEY", None),
        ("DJANGO_SECRET_KEY", ""),
        ("DJANGO_SECRET_KEY", "short"),
        ("DJANGO_SECRET_KEY", "x" * 60),
        ("DJANGO_SECRET_KEY", "django-insecure-" + GOOD["DJANGO_SECRET_KEY"]),
        ("DJANGO_DEBUG", "1"),
        ("DJANGO_ALLOWED_HOSTS", None),
        ("DJANGO_ALLOWED_HOSTS", "localhost"),
        ("DJANGO_ALLOWED_HOSTS", "api.example.org,*"),
    ],
)
def test_what_is_unsafe_is_refused_by_name(variable, value):
    ran = start(["-c", "import api_service.production"], {**GOOD, variable: value})
    assert ran.returncode == 1
    assert f"ImproperlyConfigured: {variable} " in ran.stderr
    assert GOOD["DJANGO_SECRET_KEY"] not in ran.stderr


def test_the_server_does_not_start_then():
    words = ["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"]
    ran = start(words, {**GOOD, "DJANGO_DEBUG": "1", "HAR_API_PORT": str(free_port())})
    assert ran.returncode != 0
    assert "ImproperlyConfigured: DJANGO_DEBUG " in ran.stderr


def start(words: list[str], changes: dict[str, str | None]) -> subprocess.CompletedProcess[str]:
    """Runs Python with these variables; None takes one away."""
    environment = {name: value for name, value in {**os.environ, **changes}.items() if value is not None}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)


def test_it_passes_djangos_own_checks(manage):
    manage("check", "--deploy", "--fail-level", "WARNING", **GOOD)


def test_it_starts_and_asks_for_keys_and_for_tls(tmp_path):
    host = {"Host": "api.example.org"}
    with api(tmp_path / "log", **GOOD, HAR_SHIPPED_MODELS=str(tmp_path)) as base:
        assert httpx.get(f"{base}/api/v1/labels", headers=host).status_code == 401
        assert httpx.get(f"{base}/api/v1/labels").status_code == 400
        # As a proxy on this machine says that it got the request over TLS.
        page = httpx.get(f"{base}/admin/login/", headers=host | {"X-Forwarded-Proto": "https"})
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "secure" in page.headers["Set-Cookie"].lower()
