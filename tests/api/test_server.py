"""The server under clients that mean no good, or have bad luck."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from har_core.config import PROJECT_ROOT
from tests.api.test_live import CYCLING, post, problem
from tests.servers import api, children, gunicorn, ready
from tests.waiting import until


@contextlib.contextmanager
def asking(folder: Path, **environment: str):
    with (
        api(folder / "log", HAR_HOME=str(folder / "home"), **environment) as base,
        httpx.Client(base_url=base, timeout=120) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Of a server that waits two seconds for what is to arrive, and not at all for longer."""
    with asking(tmp_path_factory.mktemp("server"), HAR_API_ARRIVAL_SECONDS="2") as found:
        yield found


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """Of a server that waits long, and answers two at a time."""
    limits = {"HAR_API_ARRIVAL_SECONDS": "600", "HAR_API_MAX_CONCURRENT": "2"}
    with asking(tmp_path_factory.mktemp("patient"), **limits) as found:
        yield found


@contextlib.contextmanager
def connection(client):
    """One on which nobody waits for ever."""
    with socket.create_connection((client.base_url.host, client.base_url.port), 120) as found:
        yield found


def answer(link: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := link.recv(65536):
            found += chunk
    return found


def test_slow_clients_harm_nobody(patient):
    """Hundreds that never finish a head, or a body, while others are answered as ever."""
    head = b"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(connection(patient)) for _ in range(300)]
        for number, link in enumerate(links):
            link.sendall(head if number % 2 else head + b"Content-Length: 60000\r\n\r\n" + CYCLING[:1000])
        for _ in range(10):
            assert post(patient, files={"image": CYCLING}).json()["label"] == "cycling"
        assert patient.get("/readyz").status_code == 200
        assert select.select(links, [], [], 0)[0] == []  # All of them are still there.


def test_a_head_that_trickles_in_is_given_up(client):
    with connection(client) as link:
        link.sendall(b"GET /healthz HTTP/1.1\r\nX-A: ")

        def is_cut_off():
            try:
                link.sendall(b"a")
            except OSError:
                return True
            return False

        until(is_cut_off)
        assert answer(link) == b""


def test_a_second_head_on_the_same_connection_gets_no_more_time(client):
    with connection(client) as link:
        link.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HT")
        assert answer(link).startswith(b"HTTP/1.1 200")


def test_a_stalled_upload_is_told_so(client):
    with connection(client) as link:
        link.sendall(b"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\nabc")
        found = answer(link)
    assert found.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in found
    assert b'"request_timeout"' in found


def test_what_is_refused_is_not_taken_in_for_ever(client):
    with connection(client) as link:
        link.sendall(b"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\nabc")
        assert b'"request_too_large"' in answer(link)


def test_a_refusal_reaches_a_client_that_goes_on_sending(patient):
    """As proxies do, which ask for each connection to be closed."""
    head = (
        b"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 90000000\r\n\r\n"
    )
    for _ in range(5):
        with connection(patient) as link:
            link.sendall(head)
            assert select.select([link], [], [], 120)[0]  # It has the answer, and goes on all the same.
            for _ in range(90):
                link.sendall(b"x" * 1_000_000)
            assert b'"request_too_large"' in answer(link)


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400, b"malformed_request"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, b"malformed_request"),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, b"malformed_request"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400, b"malformed_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, b"malformed_request"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400, b""),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 400_000, 431, b"headers_too_large"),
    ],
)
def test_what_is_no_http_gets_a_problem(client, head, status, code):
    with connection(client) as link:
        with contextlib.suppress(OSError):
            link.sendall(head)
        found = answer(link)
    assert found.startswith(b"HTTP/1.1 %d" % status)
    assert b"application/problem+json" in found
    assert code in found


def test_a_body_in_chunks_is_taken(client):
    response = post(client, content=iter([CYCLING[:5000], CYCLING[5000:]]), headers={"Content-Type": "image/jpeg"})
    assert response.json()["label"] == "cycling"


def test_whoever_comes_when_too_much_is_under_way_is_told_to_come_back(patient):
    with ThreadPoolExecutor(24) as pool:
        many = [("images", CYCLING)] * 8
        found = list(pool.map(lambda _: post(patient, files=many), range(24)))
        assert patient.get("/readyz").status_code == 200
    assert Counter(response.status_code for response in found).keys() == {200, 503}
    refused = next(response for response in found if response.status_code == 503)
    problem(refused, 503, "overloaded")
    assert int(refused.headers["Retry-After"]) >= 1


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A server of two workers that runs a copy of the code: its address, gunicorn's process, the copy, and the log."""
    folder = tmp_path_factory.mktemp("pair")
    with gunicorn(folder / "log", copy_of_the_code(folder), WEB_CONCURRENCY="2", **of_a_copy(folder)) as (
        base,
        process,
    ):
        until(lambda: ready(folder / "log") == 2)
        yield base, process, folder, folder / "log"


def copy_of_the_code(folder: Path) -> Path:
    for name in ("api_service", "har_core", "deploy"):
        shutil.copytree(PROJECT_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def of_a_copy(folder: Path) -> dict[str, str]:
    return {"HAR_HOME": str(folder / "home"), "HAR_SHIPPED_MODELS": str(PROJECT_ROOT / "models")}


def test_connections_are_shared_out_among_workers(pair):
    """Forty that are kept open: left to chance, one worker has almost all of them more often than not."""
    base, process, *_ = pair

    def counts() -> list[int]:
        return [accepted(worker, httpx.URL(base).port) for worker in children(process.pid)]

    with httpx.Client(base_url=base) as client, contextlib.ExitStack() as stack:
        for number in range(1, 41):
            stack.enter_context(connection(client))
            until(lambda number=number: sum(counts()) >= number)
        assert min(counts()) >= 5


def accepted(pid: int, port: int) -> int:
    """How many connections to that port a process has open."""
    links = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # It was closed meanwhile.
            links.add(str(each.readlink()))
    return len(links & at_port(port, "01"))


def at_port(port: int, state: str) -> set[str]:
    """The sockets of this machine at that port; in state 01 they are connected, in 0A they listen."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == state}


def test_a_killed_worker_is_replaced_and_the_others_serve_on(pair):
    base, process, _, log = pair
    answers, failed, stop = [], [], threading.Event()

    def go_on_asking():
        while not stop.wait(0.05):
            try:
                with httpx.Client(base_url=base, timeout=120) as client:
                    begun = time.monotonic()
                    status = post(client, files={"image": CYCLING}).status_code
                    answers.append((begun, time.monotonic(), status))
            except httpx.TransportError:
                failed.append(time.monotonic())

    with ThreadPoolExecutor(4) as pool:
        try:
            for _ in range(4):
                pool.submit(go_on_asking)
            until(lambda: len(answers) >= 8)
            before, ready_before = children(process.pid), ready(log)
            os.kill(before[0], signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: ready(log) > ready_before)
            replaced = time.monotonic()
            assert len(children(process.pid)) == 2
            assert before[0] not in children(process.pid)
            enough = len(answers) + 8
            until(lambda: len(answers) >= enough)
        finally:
            stop.set()
    assert {status for *_, status in answers} == {200}
    assert len(failed) <= 4  # What the killed one had at hand, one for each client.
    assert any(killed < begun and ended < replaced for begun, ended, _ in answers)


class Load:
    """Asks again and again, half of the clients over connections that they keep; what they get is written down."""

    def __init__(self, base: str) -> None:
        self.found, self._base, self._stop = Counter(), base, threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(number % 2 == 0,)) for number in range(4)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, count=20):
        """Waits until so many more were answered."""
        enough = self.found.total() + count
        until(lambda: self.found.total() >= enough)

    def _go_on(self, keeps):
        client = httpx.Client(base_url=self._base, timeout=120)
        while not self._stop.is_set():
            try:
                self.found[post(client, files={"image": CYCLING}).status_code] += 1
            except httpx.TransportError as error:
                self.found[repr(error)] += 1
            if not keeps:
                client.close()
                client = httpx.Client(base_url=self._base, timeout=120)
        client.close()


def answered(base: str) -> float:
    """How many photos the server says it has answered."""
    text = httpx.get(f"{base}/metrics").text
    found = re.search(r'method="POST",route="/api/v1/predictions",status="200"} (.+)', text)
    return float(found[1]) if found else 0


def test_a_reload_brings_new_code_and_fails_no_request(pair):
    base, process, code, log = pair
    before, answered_before = set(children(process.pid)), answered(base)
    changed = code / "api_service" / "server" / "refusals.py"
    with Load(base) as load:
        load.more()
        changed.write_text(changed.read_text().replace("has at most", "is limited to"))
        process.send_signal(signal.SIGHUP)
        until(lambda: len(now := set(children(process.pid))) == 2 and not now & before)
        load.more()
    assert load.found.keys() == {200}
    with connection(httpx.Client(base_url=base)) as link:
        link.sendall(b"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n")
        assert b"is limited to" in answer(link)
    # The log still says which request a line is about, and figures go on.
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"POST"' in line]
    assert all(line["request_id"] for line in lines)
    assert answered(base) - answered_before == load.found[200]


def test_old_workers_serve_until_new_ones_can(pair):
    base, process, *_ = pair
    old = set(children(process.pid))
    process.send_signal(signal.SIGHUP)
    until(lambda: set(children(process.pid)) - old)
    new = min(set(children(process.pid)) - old)
    os.kill(new, signal.SIGSTOP)  # As one that takes long to load.
    try:
        time.sleep(1)
        assert old < set(children(process.pid))
        with httpx.Client(base_url=base, timeout=120) as client:
            assert [post(client, files={"image": CYCLING}).status_code for _ in range(3)] == [200] * 3
        assert old < set(children(process.pid))
    finally:
        os.kill(new, signal.SIGCONT)
    until(lambda: len(now := set(children(process.pid))) == 2 and not now & old)


def test_workers_that_have_answered_enough_are_replaced_and_no_request_is_lost(tmp_path):
    often = {"GUNICORN_CMD_ARGS": "--max-requests 12 --max-requests-jitter 8", "WEB_CONCURRENCY": "2"}
    with gunicorn(tmp_path / "log", HAR_HOME=str(tmp_path / "home"), **often) as (base, process):
        before, seen = set(children(process.pid)), set()

        def are_replaced():
            seen.update(children(process.pid))
            return len(seen - before) >= 2

        with Load(base) as load:
            until(are_replaced)
            load.more()
    assert load.found.keys() == {200}


def test_what_is_on_its_way_when_the_server_ends_is_answered(tmp_path):
    head = b"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    rest = b"Content-Length: %d\r\n\r\n" % len(CYCLING) + CYCLING
    # Who has said nothing is waited for a second. A busy machine may need more to say it.
    changed = copy_of_the_code(tmp_path) / "api_service" / "server" / "protocol.py"
    text = changed.read_text()
    assert "_LINGER_SECONDS = 1.0" in text
    changed.write_text(text.replace("_LINGER_SECONDS = 1.0", "_LINGER_SECONDS = 60.0"))
    with (
        gunicorn(tmp_path / "log", tmp_path, **of_a_copy(tmp_path)) as (base, process),
        contextlib.ExitStack() as stack,
    ):
        client = httpx.Client(base_url=base)
        links = [stack.enter_context(connection(client)) for _ in range(3)]
        links[0].sendall(head)
        links[1].sendall(head + rest[:-100])
        # Nothing of the third has been sent; its connection is made.
        port = client.base_url.port
        until(lambda: sum(accepted(worker, port) for worker in children(process.pid)) == 3)
        process.terminate()
        until(lambda: not at_port(port, "0A"))
        for number, still_to_come in ((2, head + rest), (0, rest), (1, rest[-100:])):
            links[number].sendall(still_to_come)
        for link in links:
            found = answer(link)
            assert found.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in found.lower()
        assert process.wait(240) == 0


def test_a_restart_behind_a_socket_that_systemd_keeps_fails_no_request(tmp_path):
    with socket.create_server(("127.0.0.1", 0), backlog=128) as kept:
        base = f"http://127.0.0.1:{kept.getsockname()[1]}"
        with passed_on(kept, tmp_path) as first:
            until(lambda: ready(tmp_path / "log") == 1)
            with contextlib.ExitStack() as second, Load(base) as load:
                load.more()
                first.terminate()
                first.wait(240)
                second.enter_context(passed_on(kept, tmp_path))
                load.more()
    assert load.found.keys() == {200}


@contextlib.contextmanager
def passed_on(kept: socket.socket, folder):
    """gunicorn with a listening socket as systemd passes it on: as descriptor 3, told in the environment."""
    words = (
        f"LISTEN_PID=$$ LISTEN_FDS=1 exec {sys.executable} -m gunicorn -c deploy/gunicorn.conf.py 3<&{kept.fileno()}"
    )
    process = subprocess.Popen(
        ["bash", "-c", words],
        cwd=PROJECT_ROOT,
        env={**os.environ, "HAR_HOME": str(folder / "home"), "WEB_CONCURRENCY": "1"},
        pass_fds=[kept.fileno()],
        stdout=(folder / "log").open("ab"),
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(240)
