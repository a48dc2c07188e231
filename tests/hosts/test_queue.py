"""Trainings that wait in Redis, for a worker on another host that shares the folder; what is trained is a stand-in."""

import os
import signal
import subprocess
import sys

import pytest
from redis import Redis

from har_core import config
from har_core.config import PROJECT_ROOT, settings
from har_ui.training import worker as shown
from tests.hosts.conftest import redis
from tests.training.test_runs import DONE, training  # noqa: F401 - a fixture
from tests.waiting import until
from training import background, queue, supervisor
from training.recipe import Recipe

RUN_BY = "(run_folder / 'by').write_text(os.environ['HOST']);" + DONE


@pytest.fixture
def on_redis(redis_port, use_setting, tmp_path, monkeypatch):
    """This host puts trainings into a queue in Redis, and starts no worker."""
    use_setting("QUEUE_URL", f"redis://127.0.0.1:{redis_port}/0")
    started = []
    monkeypatch.setattr(background, "start_once", lambda *arguments: started.append(arguments))
    with redis(redis_port, tmp_path):
        yield started


@pytest.fixture
def host(training):  # noqa: F811
    """Starts the worker of another host, as ``(name, HAR_HOME)``."""
    training(RUN_BY)
    started = []

    def start(name: str, home: str):
        code = (
            "import pathlib, socket, sys\nfrom training import supervisor, worker\n"
            f"supervisor.PROJECT_ROOT = pathlib.Path({str(supervisor.PROJECT_ROOT)!r})\n"
            f"socket.gethostname = lambda: {name!r}\nworker._SECONDS_BETWEEN_SWEEPS = 0.5\n"
            "worker._UNREACHABLE_POLL = 0.5\nsys.exit(worker.main([]))"
        )
        environment = {**os.environ, "HAR_HOME": str(home), "HOST": name}
        started.append(subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT_ROOT, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_worker_of_another_host_runs_what_waits_and_one_with_another_folder_leaves_it_alone(
    on_redis, host, tmp_path
):
    elsewhere = tmp_path / "elsewhere"
    host("stranger", elsewhere)
    until(lambda: list(elsewhere.glob("worker*.lock")))
    run = queue.submit(Recipe(), "mine")
    queue.ensure_worker()
    assert on_redis == [], "it would take the machine of the app, which may lack what it needs"
    assert not queue.has_worker()
    assert queue.waiting() == [run.id]
    host("trains", settings().home)
    until(lambda: run.state() == "done")
    assert (run.folder / "by").read_text() == "trains"
    assert queue.has_worker()
    assert list(settings().home.glob("worker*.lock")) == [settings().home / "worker-trains.lock"]
    assert not (elsewhere / "runs" / run.id).exists()


@pytest.mark.usefixtures("on_redis")
def test_two_hosts_train_at_the_same_time(host, training):  # noqa: F811
    training(RUN_BY.replace(DONE, "os.read(0, 1)"))  # Until its worker ends.
    one, two = queue.submit(Recipe(), "one"), queue.submit(Recipe(), "two")
    host("left", settings().home)
    host("right", settings().home)
    until(lambda: one.state() == two.state() == "running")
    until(lambda: all((run.folder / "by").exists() for run in (one, two)))
    assert {(run.folder / "by").read_text() for run in (one, two)} == {"left", "right"}


def test_a_worker_outlives_a_redis_that_loses_everything_and_what_waited_is_run(
    redis_port, use_setting, host, tmp_path
):
    use_setting("QUEUE_URL", f"redis://127.0.0.1:{redis_port}/0")
    with redis(redis_port, tmp_path):
        worker = host("trains", settings().home)
        until(queue.has_worker)
    with redis(redis_port, tmp_path):
        worker.send_signal(signal.SIGSTOP)  # Or it might be there before all is lost.
        kept = queue.submit(Recipe(), "mine")
        Redis(port=redis_port).flushall()
        worker.send_signal(signal.SIGCONT)
        until(lambda: kept.state() == "done")
        assert worker.poll() is None


def test_the_page_says_where_a_worker_is_to_be_started(on_redis, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(shown.time, "monotonic", lambda: clock[0])
    shown._asked().clear()
    assert shown.keep_alive() == ""
    clock[0] += 21
    assert "shares `HAR_HOME` and the queue" in shown.keep_alive()
    assert on_redis == []


def test_a_queue_on_this_machine_still_gets_a_worker_from_the_app(monkeypatch):
    started = []
    monkeypatch.setattr(background, "start_once", lambda *arguments: started.append(arguments))
    config.settings.cache_clear()
    queue.ensure_worker()
    assert len(started) == 1
