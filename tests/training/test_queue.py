"""The queue and its worker, in processes of their own; the training itself is some Python that takes its place."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time

import pytest
from huey.registry import Message

from har_core.config import PROJECT_ROOT, settings
from har_core.errors import QueueUnreachable, TrainingError
from tests.servers import free_port
from tests.training.test_runs import DONE, is_running, training  # noqa: F401 - a fixture
from tests.waiting import until
from training import queue, runs, supervisor
from training.recipe import Recipe
from training.worker import work

SLOW = "(run_folder / 'pid').write_text(str(os.getpid())); time.sleep(float(os.environ.get('SLEEP', 600)))\n" + DONE


@pytest.fixture
def worker(training):  # noqa: F811
    """Starts real workers that train by sleeping."""
    training(SLOW)
    started = []

    def start(*arguments, **environment):
        code = (
            "import pathlib, sys\nfrom training import supervisor, worker\n"
            f"supervisor.PROJECT_ROOT = pathlib.Path({str(supervisor.PROJECT_ROOT)!r})\n"
            "worker._IDLE_SECONDS = 0.5\nsys.exit(worker.main(sys.argv[1:]))"
        )
        command = [sys.executable, "-c", code, *arguments]
        started.append(subprocess.Popen(command, cwd=PROJECT_ROOT, env={**os.environ, **environment}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def submit(count):
    return [queue.submit(Recipe(), f"data-{number}") for number in range(count)]


def pid_of(run):
    until(lambda: (run.folder / "pid").exists() and (run.folder / "pid").read_text())
    return int((run.folder / "pid").read_text())


def test_runs_wait_in_order_and_the_cancelled_one_is_passed_over(training):  # noqa: F811
    order = settings().home / "order"
    training(f"open({str(order)!r}, 'a').write(sys.argv[1] + '\\n')\n" + DONE)
    one, two, three = submit(3)
    assert queue.waiting() == [one.id, two.id, three.id]
    two.cancel()
    assert queue.waiting() == [one.id, three.id]
    work(idle_seconds=0.6)
    assert order.read_text().split() == [one.id, three.id]
    assert [run.state() for run in (one, two, three)] == ["done", "cancelled", "done"]
    assert queue.waiting() == []


def test_a_resumed_run_waits_behind_the_others(training):  # noqa: F811
    training(DONE)
    one, two = submit(2)
    one.cancel()
    queue.resume(one)
    assert set(queue.waiting()) == {one.id, two.id}
    work(idle_seconds=0.6)
    assert one.state() == two.state() == "done"
    with pytest.raises(TrainingError, match="done"):
        queue.resume(one)


def test_two_workers_started_at_once_are_one(worker):
    (run,) = submit(1)
    processes = [worker("--while-busy"), worker("--while-busy")]
    pid_of(run)
    until(lambda: sum(process.poll() is None for process in processes) == 1)
    assert queue.has_worker()
    pid = pid_of(run)
    run.cancel()
    until(lambda: run.state() == "cancelled" and not is_running(pid))
    until(lambda: all(process.poll() == 0 for process in processes))
    assert not queue.has_worker()


def test_a_second_permanent_worker_waits_and_takes_over(worker):
    first = worker()
    until(queue.has_worker)
    second = worker(SLEEP="0")
    time.sleep(0.5)
    assert second.poll() is None
    first.terminate()
    assert first.wait() == 0
    (run,) = submit(1)
    until(lambda: run.state() == "done")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_whose_worker_dies_is_interrupted_and_can_be_resumed(worker, how, training):  # noqa: F811
    # As the real training does: it ends when its standard input is closed.
    training(
        "import threading\nthreading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()\n" + SLOW
    )
    run, after = submit(2)
    first = worker()
    pid = pid_of(run)
    first.send_signal(how)
    first.wait()
    until(lambda: run.state() == "interrupted")
    until(lambda: not is_running(pid))
    assert after.state() == "queued"
    worker(SLEEP="0")
    until(lambda: after.state() == "done")
    assert run.state() == "interrupted", "it goes on only when somebody asks for it"
    queue.resume(run)
    until(lambda: run.state() == "done")


class Evil:
    def __reduce__(self):
        return (os.system, (f"touch {settings().home}/evil",))


def entry(**changes):
    message = Message("id", "training.queue.train", None, 0, 0, None, ["a-run"], {}, retry_backoff=0)
    return json.dumps(message._replace(**changes)).encode()


STRANGE = [
    b'["id", "training.queue.train"]',
    b'"abc"',
    b'{"a": 1}',
    b"[" * 100_000,
    entry(args=[]),
    entry(args=[1]),
    entry(args=["a-run", "another"]),
    entry(name="os.system"),
    entry(eta="soon"),
    entry(kwargs={"run_id": "a-run"}),
    entry(on_complete=["id"]),
    entry(on_error="x"),
    entry(chord_config=[1]),
    entry(args=["\ud800"]),
    entry(id="\ud800"),
]


def test_what_is_no_entry_of_ours_is_passed_over_and_runs_nothing(training):  # noqa: F811
    training(DONE)
    for content in (*STRANGE, pickle.dumps(Message("id", "training.queue.train", args=(Evil(),)))):
        queue._queue()[0].storage.enqueue(content)
    (run,) = submit(1)
    assert queue.waiting() == [run.id]
    work(idle_seconds=0.6)
    assert run.state() == "done", "the worker goes on with the next"
    assert not (settings().home / "evil").exists()


def test_a_queue_that_cannot_be_reached_is_said_in_words(use_setting):
    use_setting("QUEUE_URL", f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(QueueUnreachable, match="HAR_QUEUE_URL"):
        queue.submit(Recipe(), "mine")
    assert runs.newest_first() == []


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_the_queue_can_live_in_redis(use_setting, training, tmp_path):  # noqa: F811
    port = str(free_port())
    server = subprocess.Popen(
        ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        use_setting("QUEUE_URL", f"redis://127.0.0.1:{port}/0")
        training(DONE)

        def answers():
            try:
                return queue.waiting() == []
            except TrainingError:
                return False

        until(answers)
        one, two = submit(2)
        assert queue.waiting() == [one.id, two.id]
        work(idle_seconds=0.6)
        assert one.state() == two.state() == "done"
    finally:
        server.kill()
        server.wait()


def test_runs_whose_record_is_gone_are_passed_over(training):  # noqa: F811
    training(DONE)
    one, two = submit(2)
    runs.remove(one)
    assert queue.waiting() == [two.id]
    work(idle_seconds=0.6)
    assert two.state() == "done"
