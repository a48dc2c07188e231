"""``har backup`` and ``har restore``, as one who moves a whole system from one machine to another calls them."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from har_core import feedback, promotion
from har_core.datasets import ingest
from har_core.datasets.sources import folder
from tests import postgres
from tests.conftest import PROJECT_ROOT
from tests.core.datasets.conftest import class_folders  # noqa: F401 - a fixture
from tests.core.test_feedback import photo, say
from tests.servers import manage
from tests.waiting import until
from training.recipe import Recipe
from training.runs import Outcome, Run

FINDS_KEY = "import sys; from api_service.keys import services; print(services.find('{key}') is not None)"


@pytest.fixture
def har(call):
    """What the command prints, as JSON."""

    def run(*words, **environment: str):
        code, out, err = call(*words, "--json", **environment)
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return run


def knows(key: str, **environment: str) -> bool:
    return manage("shell", "-v0", "-c", FINDS_KEY.format(key=key), **environment) == "True"


def test_a_whole_system_is_elsewhere_what_it_was_here(har, made, class_folders, home, tmp_path, use_setting):  # noqa: F811, PLR0917
    ingest.ingest("small", folder.read(class_folders))
    entry = say(photo(1), "reading")
    promotion.promote(made(2).reference, "ada", "more photos")
    done, broken_off = (Run.create(Recipe(), "small") for _ in range(2))
    done.end(Outcome(state="done", bundle="/gone/tiny@2"))
    with broken_off.claimed():
        manage("migrate", "-v0")
        key = manage("create_key", "robot", "--scope", "predict")
        # Also while it runs, with a database that is open.
        (saved,) = har("backup", tmp_path / "har.tar")
    assert saved["elsewhere"] == 30
    shutil.rmtree(home)

    there = {"HAR_HOME": str(tmp_path / "there")}
    (restored,) = har("restore", tmp_path / "har.tar", **there)
    assert restored == {"home": there["HAR_HOME"], "files": saved["files"]}
    assert [row["name"] for row in har("data", "list", **there)] == ["small"]
    (change,) = har("models", "history", **there)
    assert (change["model"], change["who"], change["why"]) == ("tiny@2", "ada", "more photos")
    states = {row["run"]: row["state"] for row in har("runs", "list", **there)}
    assert states == {done.id: "done", broken_off.id: "interrupted"}
    assert knows(key, **there)
    use_setting("HOME", there["HAR_HOME"])
    assert feedback.entries() == [entry]
    secret = tmp_path / "there" / "secret_key"
    assert secret.stat().st_mode & 0o077 == 0


def test_what_stands_against_it_is_said_in_words(call, home, tmp_path):
    feedback.root().mkdir(parents=True)
    (tmp_path / "none.tar").write_bytes(b"")
    code, out, err = call("restore", tmp_path / "none.tar")
    assert (code, out) == (1, "")
    assert err.startswith(f"har: {home} is not empty: it has feedback. Stop what uses it")


@pytest.fixture
def large(home) -> Path:
    """Takes a while to be saved."""
    checkpoint = home / "runs" / "one" / "checkpoint.npz"
    checkpoint.parent.mkdir(parents=True)
    with checkpoint.open("wb") as file:
        file.truncate(3_000_000_000)
    return checkpoint


def test_killed_it_leaves_the_backup_before_it(har, home, large, tmp_path):
    large.rename(tmp_path / "later")
    (home / "serving.json").write_text("[]")
    archive = tmp_path / "saved" / "har.tar"
    har("backup", archive)
    before = archive.read_bytes()
    (tmp_path / "later").rename(large)
    process = subprocess.Popen([sys.executable, "-m", "har_cli", "backup", archive], cwd=PROJECT_ROOT)
    try:
        until(lambda: any(path.stat().st_size for path in archive.parent.glob(".har.tar-*")), process=process)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert archive.read_bytes() == before
    assert har("restore", archive, HAR_HOME=str(tmp_path / "there"))[0]["files"] == 1


@pytest.mark.usefixtures("large")
def test_on_a_full_disk_it_says_so_and_leaves_nothing(tmp_path):
    archive = tmp_path / "saved" / "har.tar"
    # In the place of a full disk: no file may be longer than 10 MB.
    limited = 'ulimit -f 20000 && exec "$@"'
    command = ["/bin/sh", "-c", limited, "limited", sys.executable, "-m", "har_cli", "backup", archive]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"har: Nothing was saved. {archive}: File too large. An earlier backup stays.\n"
    assert list(archive.parent.iterdir()) == []


def test_a_database_server_is_saved_with_its_own_programs(tmp_path):
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.server(programs) as create:
        here, there = create("har"), create("har_there")
        manage("migrate", "-v0", DATABASE_URL=here)
        key = manage("create_key", "robot", "--scope", "predict", DATABASE_URL=here)
        dump = tmp_path / "har.dump"
        # As docs/deploy/backup.md says it.
        subprocess.run([programs / "pg_dump", "--format=custom", f"--file={dump}", here], check=True)
        restore = ["--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={there}", dump]
        subprocess.run([programs / "pg_restore", *restore], check=True)
        assert knows(key, DATABASE_URL=there)
