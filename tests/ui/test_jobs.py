"""Long work in processes of its own."""

import json
import os
import signal
from pathlib import Path

import pytest

from har_ui import jobs
from tests.waiting import until

SLEEPER = "import sys, time; print('working', flush=True); time.sleep(600)"


@pytest.fixture
def launch(monkeypatch, tmp_path):
    """Starts a job that runs some Python instead of ``har``."""

    def run(code: str, *arguments: str) -> jobs.Job:
        package = tmp_path / "fake" / "har_cli.py"
        package.parent.mkdir(exist_ok=True)
        package.write_text(code)
        monkeypatch.setattr(jobs, "PROJECT_ROOT", package.parent)
        return jobs.start("A job", arguments)

    return run


def wait(job: jobs.Job, state: str) -> None:
    until(lambda: job.state() == state, told=lambda: (job.state(), job.errors()))


def test_the_real_command_is_run_and_its_complaint_is_heard():
    job = jobs.start("Checking", ["data", "check", "nowhere"])
    wait(job, "failed")
    assert "There is no dataset nowhere" in job.errors()[-1]


def test_arguments_reach_the_command_as_they_are(launch):
    nasty = ["$(touch gone)", "a b", "`id`", "'; exit 9 #", "*", ""]
    job = launch("import json, sys; print(json.dumps(sys.argv[1:]))", *nasty)
    wait(job, "done")
    got = json.loads((job.folder / "out").read_text())
    assert got == [*nasty, "--progress-file", str(job.folder / "progress.json")]


def test_progress_is_what_the_command_wrote(launch):
    code = (
        "import sys, time, pathlib\n"
        'pathlib.Path(sys.argv[-1]).write_text(\'{"done": 3, "total": 9, "what": "reading"}\')\n'
        "time.sleep(600)"
    )
    job = launch(code)
    until(job.progress)
    assert job.progress() == jobs.Progress(done=3, total=9, what="reading")
    (job.folder / "progress.json").write_text('{"done": ')
    assert job.progress() is None
    job.cancel()


def test_only_one_job_runs_and_it_can_be_found_again(launch):
    job = launch(SLEEPER)
    assert jobs.running().id == job.id
    assert jobs.find(job.id).title == "A job"
    with pytest.raises(jobs.JobRefused, match="still running"):
        launch(SLEEPER)
    job.cancel()
    assert job.state() == "interrupted"
    assert jobs.running() is None


def test_cancelling_ends_the_children_too_and_leaves_no_zombie(launch):
    code = (
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(sys.argv[-1]).with_name('child').write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    job = launch(code)
    child = job.folder / "child"
    until(lambda: child.is_file() and child.read_text())
    job.cancel()
    gone = [process_group(job), int(child.read_text())]
    until(lambda: not any(is_there(pid) for pid in gone))


def process_group(job: jobs.Job) -> int:
    return jobs.Record.model_validate_json((job.folder / "job.json").read_bytes()).pid


def is_there(pid: int) -> bool:
    """Whether there is such a process; of other parents' children, dead ones do not count."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return False
    return state != "Z" or int(parent) == os.getpid()


def test_a_job_that_was_killed_is_no_running_one(launch):
    job = launch(SLEEPER)
    os.killpg(process_group(job), signal.SIGKILL)
    wait(job, "interrupted")


def test_old_jobs_are_thrown_away(launch, monkeypatch):
    monkeypatch.setattr(jobs, "_KEPT", 3)
    made = []
    for _ in range(5):
        made.append(launch("pass"))
        wait(made[-1], "done")
    assert [job.id for job in jobs.recent()] == [job.id for job in reversed(made[-3:])]


def test_a_damaged_record_is_passed_over(launch):
    job = launch("pass")
    wait(job, "done")
    (job.folder / "job.json").write_text("{")
    assert jobs.recent() == []
    assert jobs.find(job.id) is None
