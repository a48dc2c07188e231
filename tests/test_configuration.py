"""The reference of environment variables knows every one, as it is."""

import json
import re
import subprocess
import sys
import tomllib

import pytest

from api_service.config import ApiSettings
from har_core.config import PROJECT_ROOT, Settings, read
from har_core.errors import SettingsInvalid
from tools import document_settings

# What our own are called, whoever reads them, and what is read from Python under any name.
_OURS = re.compile(
    r"\b(?:HAR|DJANGO|MLFLOW)_[A-Z][A-Z0-9_]*\b|\b(?:DATABASE_URL|WEB_CONCURRENCY|FORWARDED_ALLOW_IPS)\b"
)
_READ = re.compile(r"""(?:os\.environ(?:\.get|\.setdefault|\.pop)?[\[(]|getenv\()["']([A-Z][A-Z0-9_]*)["']""")
# A compose file's own.
_SUBSTITUTED = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)")
# Weights and lists of photos are longer.
_LONGEST = 200_000
# Of child processes, whatever they were before; of another server in a benchmark.
_PASSED_ON = {"PYTHONUNBUFFERED", "TF_CPP_MIN_LOG_LEVEL", "MODEL_KERAS"}


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no checkout of git")
    return [PROJECT_ROOT / name for name in listed.stdout.splitlines()]


def test_every_variable_that_is_read_or_set_somewhere_is_in_it():
    known = set(re.findall(r"^\| `([A-Z0-9_]+)`", document_settings.text(), re.MULTILINE)) | _PASSED_ON
    unknown = {}
    for path in tracked_files():
        if path.is_relative_to(PROJECT_ROOT / "tests") or not path.is_file() or path.stat().st_size > _LONGEST:
            continue
        content = path.read_bytes().decode("utf-8", "replace")
        found = set(_OURS.findall(content))
        if path.suffix == ".py":
            found |= set(_READ.findall(content))
        if path.suffix in (".yml", ".yaml"):
            found |= set(_SUBSTITUTED.findall(content))
        # A name that ends in an underscore is the beginning of several: HAR_API_….
        missing = {name for name in found if name not in known and not name.endswith("_")}
        if missing:
            unknown[str(path.relative_to(PROJECT_ROOT))] = missing
    assert not unknown


def test_every_setting_is_used():
    sources = "".join(
        path.read_text("utf-8")
        for path in tracked_files()
        if path.suffix == ".py" and path.is_file() and not path.is_relative_to(PROJECT_ROOT / "tests")
    )
    names = [*Settings.model_fields, *ApiSettings.model_fields]
    assert [name for name in names if not re.search(rf"\.{name}\b", sources)] == []


def test_every_setting_says_what_it_is_for():
    for kind in (Settings, ApiSettings):
        assert all(field.description for field in kind.model_fields.values())


@pytest.mark.parametrize(
    ("kind", "variable"), [(Settings, "HAR_THREADS"), (ApiSettings, "WEB_CONCURRENCY"), (ApiSettings, "HAR_API_PORT")]
)
def test_a_value_that_cannot_be_used_is_told_by_its_variable(kind, variable, monkeypatch):
    monkeypatch.setenv(variable, "many")
    with pytest.raises(SettingsInvalid, match=f"variable {variable} cannot"):
        read(kind)


def test_an_empty_value_counts_as_none(monkeypatch):
    for variable in ("HAR_THREADS", "HAR_MODEL", "WEB_CONCURRENCY", "HAR_API_ANONYMOUS_RATE"):
        monkeypatch.setenv(variable, "")
    assert read(Settings).model == "everyday"
    assert read(ApiSettings).workers == 0


def test_secrets_are_shown_nowhere(monkeypatch):
    secrets = {
        "HAR_QUEUE_URL": "redis://:hidden-1@host/0",
        "HAR_TURN_SECRET": "hidden-2",
        "MLFLOW_TRACKING_URI": "postgresql://u:hidden-3@host/db",
        "DJANGO_SECRET_KEY": "hidden-4",
        "DATABASE_URL": "postgres://u:hidden-5@host/db",
    }
    for variable, value in secrets.items():
        monkeypatch.setenv(variable, value)
    assert "hidden" not in f"{read(Settings)!r} {read(ApiSettings)} {read(Settings).model_dump_json()}"


def test_the_template_of_secrets_is_good_and_streamlit_hands_it_on(tmp_path):
    template = (PROJECT_ROOT / ".streamlit" / "secrets.toml.example").read_text("utf-8")
    everything = re.sub(r"^# (HAR_)", r"\1", template, flags=re.MULTILINE)
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(everything, "utf-8")
    names = tomllib.loads(everything)
    assert names.keys() <= {row.name for row in document_settings.rows(Settings)}
    code = (
        "import sys, streamlit as st; st.config.set_option('secrets.files', sys.argv[1:])\n"
        "assert st.secrets.load_if_toml_exists()\n"
        "from har_core.config import settings; print(settings().model_dump_json())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, secrets],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["feedback"] is False
    assert (found["max_video_bytes"], found["ice_servers"]) == (50_000_000, ["turn:turn.example.org:3478"])
