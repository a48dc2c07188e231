"""Jobs: many photos at once in the background."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from har_core import images
from har_core.config import PROJECT_ROOT
from har_core.files import is_locked, locked
from har_core.predictor import Predictor
from tests.api.test_live import problem
from tests.bundles import spoil, variant
from tests.core.batch.photos import photo, zipped
from tests.servers import api
from tests.waiting import until

JOBS = "/api/v1/jobs"
ZIP = {"Content-Type": "application/zip"}
SMALL = zipped([("b.png", photo(1)), ("a/ü.png", photo(2)), ("bad.png", b"nonsense"), ("readme.txt", b"")])
# Takes seconds: each photo is a large one of a single colour.
COUNT = 60
LARGE = zipped([(f"{number:03}.png", photo(number % 3, 2500)) for number in range(3)])


def large(count: int = COUNT) -> bytes:
    with zipfile.ZipFile(io.BytesIO(LARGE)) as file:
        contents = [file.read(name) for name in file.namelist()]
    return zipped([(f"{number:03}.png", contents[number % 3]) for number in range(count)])


def workers(home: Path) -> list[int]:
    """The processes that do the jobs of a HAR_HOME."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"work_jobs" in words and f"HAR_HOME={home}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


@contextmanager
def paused(home: Path):
    """Whoever does the jobs of a HAR_HOME gets no further until the block ends."""
    found = workers(home)
    for process in found:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in found:
            os.kill(process, signal.SIGCONT)


@contextmanager
def served(home: Path, log: Path, **environment: str):
    """The API with a HAR_HOME of its own; the workers that it starts end with the block."""
    with api(log, HAR_HOME=str(home), **environment) as base, httpx.Client(base_url=base, timeout=60) as client:
        yield client

    def have_ended() -> bool:
        left = workers(home)
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        return not left

    until(have_ended)


@contextmanager
def worker(home: Path, **environment: str):
    """A worker that this test started."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "work_jobs"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "HAR_HOME": str(home), **environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: is_locked(home / "jobs" / f"{socket.gethostname()}.lock"))
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def model(tiny_bundle_source, tmp_path_factory) -> dict[str, str]:
    """The settings by which the tiny model is in service."""
    from har_core.bundle import Bundle

    shipped = tmp_path_factory.mktemp("shipped")
    variant(Bundle(tiny_bundle_source), shipped)
    return {"HAR_SHIPPED_MODELS": str(shipped), "HAR_MODEL": "tiny"}


@pytest.fixture(scope="module")
def live_home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def live(model, live_home):
    with served(live_home, live_home / "log", HAR_API_MAX_JOB_BYTES="30000000", **model) as client:
        yield client


def send(client, content: bytes = SMALL, **headers: str):
    response = client.post(JOBS, content=content, headers=ZIP | headers)
    assert response.status_code in (200, 202), response.text
    assert response.headers["Location"] == f"{JOBS}/{response.json()['id']}"
    return response.json()


def status(client, job) -> dict:
    return client.get(f"{JOBS}/{job['id']}").json()


def wait(client, job) -> dict:
    """Until the job has ended."""
    until(lambda: status(client, job)["state"] not in ("queued", "running"))
    return status(client, job)


def lines(client, job, **query: str) -> list[dict]:
    response = client.get(f"{JOBS}/{job['id']}/results", params=query)
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def wait_for_rows(client, job) -> None:
    until(lambda: lines(client, job, partial="true"))


def test_a_zip_is_taken_done_and_given_back_in_its_order(live):
    sent = send(live)
    assert sent["state"] == "queued"
    assert sent["images"] == {"total": 3, "done": 0, "failed": 0, "skipped": 1}
    row = wait(live, sent)
    assert (row["state"], row["model"], row["error"], row["position"]) == ("done", "tiny@1", None, None)
    assert row["images"] == {"total": 3, "done": 3, "failed": 1, "skipped": 1}
    assert row["created"] < row["started"] < row["finished"] < row["expires"]
    assert row["seconds"] > 0
    found = lines(live, sent)
    assert [line["path"] for line in found] == ["b.png", "a/ü.png", "bad.png"]
    assert found[2]["error"]["code"] == "not_an_image"
    # As one by one.
    for line, content in zip(found, [photo(1), photo(2)], strict=False):
        single = live.post("/api/v1/predictions", files={"image": content}).json()
        assert line == {"path": line["path"]} | {name: single[name] for name in line if name != "path"}
    assert row["id"] in [other["id"] for other in live.get(JOBS).json()["results"]]


def test_many_files_are_a_job_too(live):
    files = [("images", (f"day-{number % 2}/{number}", photo(number))) for number in range(40)]
    files += [("images", ("same.png", photo(1))), ("images", ("same.png", b"x")), ("images", ("../up.png", photo(1)))]
    response = live.post(JOBS, files=files, data={"top_k": "1"})
    assert response.status_code == 202, response.text
    row = wait(live, response.json())
    assert (row["images"]["total"], row["images"]["failed"], row["top_k"]) == (43, 2, 1)
    found = lines(live, row)
    assert [line["path"] for line in found] == [name for _, (name, _) in files]
    assert {len(line["predictions"]) for line in found[:41]} == {1}
    assert [line["error"]["code"] for line in found[41:]] == ["not_an_image", "unsafe_path"]


def test_however_a_zip_comes_it_is_the_same(live):
    name = {"Idempotency-Key": str(uuid.uuid4())}
    raw = send(live, **name)
    form = live.post(JOBS, files={"archive": ("photos.zip", SMALL)}, headers=name)
    windows = live.post(JOBS, content=SMALL, headers=name | {"Content-Type": "application/x-zip-compressed"})
    assert (form.status_code, windows.status_code) == (200, 200)
    assert {raw["id"], form.json()["id"], windows.json()["id"]} == {raw["id"]}


def test_results_as_a_table_that_no_spreadsheet_runs(live):
    content = zipped([("=cmd|' /C calc'!A0.png", photo(1)), ('with,"both.png', photo(2)), ("@bad.png", b"x")])
    job = wait(live, send(live, content))
    for response in (
        live.get(f"{JOBS}/{job['id']}/results?format=csv"),
        live.get(f"{JOBS}/{job['id']}/results", headers={"Accept": "text/csv"}),
    ):
        assert response.headers["Content-Type"].startswith("text/csv")
        assert response.headers["Job-State"] == "done"
        header, *rows = csv.reader(io.StringIO(response.text))
        assert header[:7] == ["path", "label", "confidence", "decision", "model", "error_code", "error_message"]
        assert header[7:] == ["label_2", "confidence_2", "label_3", "confidence_3"]
        assert [row[0] for row in rows] == ["'=cmd|' /C calc'!A0.png", 'with,"both.png', "'@bad.png"]
        assert [row[5] for row in rows] == ["", "", "not_an_image"]
        line = lines(live, job)[0]
        assert rows[0][1:5] == [line["label"], str(line["confidence"]), line["decision"], "tiny@1"]
        assert rows[0][7:9] == [line["predictions"][1]["label"], str(line["predictions"][1]["score"])]
    problem(live.get(f"{JOBS}/{job['id']}/results?format=xml"), 400, "invalid_parameter")
    problem(live.get(f"{JOBS}/{job['id']}/results", headers={"Accept": "image/png"}), 406, "not_acceptable")


def test_while_it_runs_it_tells_how_far_it_is_and_gives_what_there_is_only_if_asked_to(live, live_home):
    first, second = send(live, large()), send(live)
    assert second["position"] in (1, 2)
    wait_for_rows(live, first)
    with paused(live_home):
        row = status(live, first)
        assert row["state"] == "running"
        assert row["images_per_second"] > 0
        assert row["remaining_seconds"] > 0
        problem(live.get(f"{JOBS}/{first['id']}/results"), 409, "results_incomplete")
        response = live.get(f"{JOBS}/{first['id']}/results?partial=true")
        assert response.headers["Job-State"] == "running"
        some = response.text.splitlines()
        assert 0 < len(some) < COUNT
    wait(live, first)
    assert live.get(f"{JOBS}/{first['id']}/results").text.splitlines()[: len(some)] == some
    assert wait(live, second)["state"] == "done"


def test_cancelled_it_stops_keeps_its_rows_and_then_is_removed(live):
    job, waiting = send(live, large(200)), send(live)
    assert live.delete(f"{JOBS}/{waiting['id']}").json()["state"] == "cancelled"
    wait_for_rows(live, job)
    response = live.delete(f"{JOBS}/{job['id']}")
    assert (response.status_code, response.json()["state"]) == (202, "cancelled")
    assert wait(live, send(live))["state"] == "done"  # The worker is free again.
    found = lines(live, job, partial="true")
    assert 0 < len(found) < 200
    assert [line["path"] for line in found] == [f"{number:03}.png" for number in range(len(found))]
    assert status(live, job)["images"]["done"] == len(found)
    assert status(live, job)["remaining_seconds"] is None
    assert lines(live, waiting, partial="true") == []
    assert live.delete(f"{JOBS}/{job['id']}").status_code == 204
    problem(live.get(f"{JOBS}/{job['id']}"), 404, "job_not_found")
    problem(live.get(f"{JOBS}/{job['id']}/results"), 404, "job_not_found")


def test_one_idempotency_key_makes_one_job_also_at_the_same_moment(live):
    name = {"Idempotency-Key": str(uuid.uuid4())}
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: live.post(JOBS, content=SMALL, headers=ZIP | name), range(8)))
    assert sorted(response.status_code for response in sent) == [200] * 7 + [202]
    assert len({response.json()["id"] for response in sent}) == 1
    problem(live.post(JOBS, content=large(4), headers=ZIP | name), 409, "idempotency_conflict")
    problem(live.post(f"{JOBS}?top_k=1", content=SMALL, headers=ZIP | name), 409, "idempotency_conflict")
    with ThreadPoolExecutor(2) as pool:
        name = {"Idempotency-Key": str(uuid.uuid4())}
        both = list(pool.map(lambda body: live.post(JOBS, content=body, headers=ZIP | name), [SMALL, large(4)]))
    assert sorted(response.status_code for response in both) == [202, 409]


def test_a_body_over_the_limit_is_refused(live):
    problem(live.post(JOBS, content=bytes(30_000_001), headers=ZIP), 413, "request_too_large")


def test_a_worker_killed_in_the_middle_costs_no_row_and_repeats_none(model, tmp_path):
    home = tmp_path / "home"
    with served(home, tmp_path / "log", **model) as client:
        with worker(home, **model) as process:
            undisturbed = wait(client, send(client, large()))
            job = send(client, large())
            wait_for_rows(client, job)
            process.kill()
        at_its_death = lines(client, job, partial="true")
        assert 0 < len(at_its_death) < COUNT
        # Whoever asks for the job has another worker started, which takes it when the dead one's time is over.
        row = wait(client, job)
        assert row["images"] == undisturbed["images"]
        texts = [client.get(f"{JOBS}/{found['id']}/results").content for found in (undisturbed, job)]
        assert texts[0] == texts[1]
        assert len(texts[0].splitlines()) == COUNT


def test_jobs_outlive_the_api_and_go_on_after_an_orderly_end_of_the_worker(model, tmp_path):
    home = tmp_path / "home"
    with served(home, tmp_path / "log", **model) as client, worker(home, **model) as process:
        job = send(client, large())
        wait_for_rows(client, job)
        process.terminate()
        assert process.wait(240) == 0
        row = client.get(JOBS).json()["results"][0]
        assert (row["state"], row["position"]) == ("queued", 1)
    with served(home, tmp_path / "log", **model) as client:
        assert wait(client, job)["state"] == "done"
        assert len(lines(client, job)) == COUNT


def test_on_postgresql(model, tmp_path, postgres_url, manage):
    home = tmp_path / "home"
    with served(home, tmp_path / "log", DATABASE_URL=postgres_url, **model) as client:
        name = {"Idempotency-Key": "one"}
        with ThreadPoolExecutor(8) as pool:
            sent = list(pool.map(lambda _: client.post(JOBS, content=SMALL, headers=ZIP | name), range(8)))
        assert len({response.json()["id"] for response in sent}) == 1, [response.text for response in sent]
        assert wait(client, sent[0].json())["images"]["done"] == 3
    claimed = manage("shell", "-v0", "-c", _CLAIM, HAR_HOME=str(home), DATABASE_URL=postgres_url).split()
    assert len(claimed) == len(set(claimed)) == 40


# Four workers at once take what waits.
_CLAIM = """
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from api_service.jobs import worker
from api_service.jobs.models import Job

worker._LEASE = timedelta(hours=1)
Job.objects.bulk_create(Job(digest="", top_k=3, total=1, skipped=0) for _ in range(40))

def take(name):
    return [str(job.id) for job in iter(lambda: worker.claim(name), None)]

with ThreadPoolExecutor(4) as pool:
    print(*sum(pool.map(take, "abcd"), []))
"""


# In this process, without a server and without a worker.


@pytest.fixture
def inside(api_database, client, made):
    """Asks Django in this process. Whoever holds the lock is taken for the worker."""
    from api_service.jobs import services

    del api_database, made
    services.worker_lock().parent.mkdir(parents=True)
    with locked(services.worker_lock()):
        yield client


def post(client, content: bytes = SMALL, query: str = "", type_: str = "application/zip", **headers: str):
    return client.post(f"{JOBS}{query}", data=content, content_type=type_, headers=headers)


def form(client, **parts):
    request = httpx.Request("POST", "http://localhost", **parts)
    return post(client, request.read(), type_=request.headers["Content-Type"])


def record(response):
    from api_service.jobs.models import Job

    return Job.objects.get(pk=response.json()["id"])


def do(name: str = "me"):
    """Takes the next job and does it."""
    from api_service.jobs import worker

    job = worker.claim(name)
    worker.run(job)
    job.refresh_from_db()
    return job


def is_empty(folder: Path) -> bool:
    own = (".lock", ".identity")
    return not [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(own)]


def damaged(name: str) -> bytes:
    content = zipped([(name, photo(1))])
    return content[:-20]


def encrypted() -> bytes:
    content = bytearray(zipped([("a.png", photo(1))]))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (400, "bad_request")),
        (b"hello", (422, "archive_broken")),
        (damaged("a.png"), (422, "archive_broken")),
        (zipped([]), (422, "archive_empty")),
        (zipped([("a/", b""), ("readme.txt", b"x"), ("inner.zip", SMALL)]), (422, "archive_empty")),
        (encrypted(), (422, "encrypted")),
        (zipped([("../../etc/a.png", photo(1))]), (422, "unsafe_path")),
        (zipped([("a.png", bytes(20_000_001))]), (413, "image_too_large")),
        (zipped([(f"{number}.png", b"x") for number in range(6)]), (413, "archive_too_large")),
    ],
)
def test_a_zip_that_cannot_be_used_is_refused_at_once_and_leaves_nothing(
    inside, home, use_api_setting, content, expected
):
    use_api_setting("MAX_JOB_IMAGES", "5")
    problem_inside(post(inside, content), *expected)
    assert is_empty(home / "jobs")
    assert inside.get(JOBS).json() == {"results": []}


def problem_inside(response, status_: int, code: str) -> None:
    assert (response.status_code, response["Content-Type"]) == (status_, "application/problem+json"), response.content
    assert response.json()["code"] == code


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"files": {"photo": b"x"}}, (400, "bad_request")),
        ({"files": [("archive", SMALL), ("archive", SMALL)]}, (400, "bad_request")),
        ({"files": [("archive", SMALL), ("images", photo(1))]}, (400, "bad_request")),
        ({"files": [("images", photo(1)), ("archive", SMALL)]}, (400, "bad_request")),
        ({"files": [("images", (f"{number}", b"x")) for number in range(6)]}, (413, "archive_too_large")),
        ({"files": [("images", ("n" * 1001, b"x"))]}, (400, "bad_request")),
        ({"files": {"images": b"x"}, "data": {"top_k": "none"}}, (400, "invalid_parameter")),
        ({"files": {"images": b"x"}, "data": {"top_k": "1" * 2000}}, (400, "malformed_request")),
        ({"files": {"images": b"x"}, "data": {f"f{number}": "" for number in range(30)}}, (400, "malformed_request")),
        ({"files": {"": b""}, "data": {}}, (400, "bad_request")),
    ],
)
def test_a_form_that_cannot_be_used_is_refused_and_leaves_nothing(inside, home, use_api_setting, parts, expected):
    use_api_setting("MAX_JOB_IMAGES", "5")
    problem_inside(form(inside, **parts), *expected)
    assert is_empty(home / "jobs")


@pytest.mark.parametrize(
    ("content", "type_", "expected"),
    [
        (b"--x\r\n", "multipart/form-data; boundary=x", (400, "malformed_request")),
        (b"x", "multipart/form-data", (400, "malformed_request")),
        (bytes(2_000_000), "multipart/form-data; boundary=x", (400, "malformed_request")),
        (b"--x\r\nA: " + b"b" * 2_000_000, "multipart/form-data; boundary=x", (400, "malformed_request")),
        (b"--x\r\n\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x", (400, "malformed_request")),
        (b"--x--\r\n", "multipart/form-data; boundary=x", (400, "bad_request")),
        (b"{}", "application/json", (415, "unsupported_media_type")),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(inside, home, content, type_, expected):
    problem_inside(post(inside, content, type_=type_), *expected)
    assert is_empty(home / "jobs")


def test_a_photo_that_is_too_large_spoils_only_its_row_and_takes_no_room(inside, home, use_setting):
    use_setting("MAX_IMAGE_BYTES", 100_000)
    form(inside, files=[("images", ("a.png", photo(1))), ("images", ("huge.png", bytes(5_000_000)))])
    assert sum(path.stat().st_size for path in home.rglob("*.zip")) < 200_000
    job = do()
    assert (job.state, job.done, job.failed) == ("done", 2, 1)
    assert json.loads(job.output.read_text().splitlines()[1])["error"]["code"] == "image_too_large"


def test_parameters_that_cannot_be_are_refused(inside, home):
    problem_inside(post(inside, query="?top_k=0"), 400, "invalid_parameter")
    problem_inside(post(inside, **{"Idempotency-Key": "x" * 256}), 400, "invalid_parameter")
    problem_inside(inside.get(f"{JOBS}?limit=0"), 400, "invalid_parameter")
    problem_inside(inside.get(f"{JOBS}/nothing"), 404, "not_found")
    problem_inside(inside.get(f"{JOBS}/{uuid.uuid4()}"), 404, "job_not_found")
    problem_inside(inside.delete(f"{JOBS}/{uuid.uuid4()}"), 404, "job_not_found")
    assert is_empty(home / "jobs")


def test_jobs_and_their_files_are_limited(inside, home, use_api_setting):
    use_api_setting("MAX_JOBS", "2")
    named = {"Idempotency-Key": "mine"}
    first = post(inside, **named)
    post(inside)
    problem_inside(post(inside), 429, "too_many_jobs")
    assert post(inside, **named).json()["id"] == first.json()["id"]  # No new job, so no limit.
    inside.delete(f"{JOBS}/{first.json()['id']}")
    assert len(list(home.rglob("*.zip"))) == 1
    assert post(inside).status_code == 202
    use_api_setting("MAX_JOBS", "10")
    use_api_setting("MAX_JOBS_BYTES", "1000")
    before = sorted(home.rglob("*"))
    problem_inside(post(inside), 507, "job_storage_full")
    assert sorted(home.rglob("*")) == before


def test_a_key_sees_its_own_jobs_and_an_admin_all(inside, use_api_setting):
    from api_service.keys import services

    use_api_setting("AUTH", "required")
    texts = {
        name: services.create(name, scopes)[1]
        for name, scopes in {
            "ada": ["predict"],
            "bob": ["predict"],
            "root": ["predict", "admin"],
            "eve": ["train"],
        }.items()
    }
    auth = {name: {"Authorization": f"Bearer {text}"} for name, text in texts.items()}
    named = {"Idempotency-Key": "mine"}
    adas, bobs = post(inside, **auth["ada"], **named).json(), post(inside, **auth["bob"], **named).json()
    assert adas["id"] != bobs["id"]

    def ids(name: str) -> list[str]:
        return [job["id"] for job in inside.get(JOBS, headers=auth[name]).json()["results"]]

    assert (ids("ada"), ids("bob"), ids("root")) == ([adas["id"]], [bobs["id"]], [bobs["id"], adas["id"]])
    for method in (inside.get, inside.delete):
        problem_inside(method(f"{JOBS}/{adas['id']}", headers=auth["bob"]), 404, "job_not_found")
    problem_inside(inside.get(f"{JOBS}/{adas['id']}/results", headers=auth["bob"]), 404, "job_not_found")
    assert inside.delete(f"{JOBS}/{adas['id']}", headers=auth["root"]).status_code == 202
    problem_inside(post(inside, **auth["eve"]), 403, "scope_missing")
    problem_inside(post(inside), 401, "key_missing")
    problem_inside(inside.get(JOBS), 401, "key_missing")


def test_a_job_of_a_host_that_is_gone_can_be_cancelled_but_not_removed(inside, use_api_setting):
    from api_service.jobs.models import Job, State

    use_api_setting("MAX_JOBS", 1)
    job = record(post(inside))
    Job.objects.update(home="gone", state=State.RUNNING, worker="gone")
    assert post(inside).json()["code"] == "too_many_jobs"
    answer = inside.delete(f"{JOBS}/{job.id}")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert post(inside).status_code == 202
    problem_inside(inside.delete(f"{JOBS}/{job.id}"), 421, "job_elsewhere")
    assert Job.objects.filter(pk=job.pk).exists()
    assert not is_empty(job.folder)


def test_the_newest_come_first_and_no_more_than_asked_for(inside):
    sent = [post(inside).json()["id"] for _ in range(3)]
    rows = inside.get(f"{JOBS}?limit=2").json()["results"]
    assert [row["id"] for row in rows] == sent[:0:-1]
    assert [row["position"] for row in rows] == [3, 2]


def test_when_its_time_is_over_its_files_are_gone_and_after_a_month_its_record(inside, home):
    from django.utils import timezone

    from api_service.jobs import services
    from api_service.jobs.models import Job

    response = post(inside)
    assert do().state == "done"
    assert not list(home.rglob("*.zip"))  # The photos are gone with the end.
    url = f"{JOBS}/{response.json()['id']}"
    assert inside.get(f"{url}/results").status_code == 200
    Job.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert inside.get(url).json()["state"] == "expired"
    problem_inside(inside.get(f"{url}/results?partial=true"), 410, "job_expired")
    assert is_empty(home / "jobs")
    services.sweep()
    assert inside.get(url).status_code == 200
    Job.objects.update(expires=timezone.now() - timedelta(days=31))
    services.sweep()
    problem_inside(inside.get(url), 404, "job_not_found")


def test_a_job_that_waits_never_expires_and_what_processes_left_behind_is_removed(inside, home):
    from api_service.jobs import services

    job = record(post(inside))
    left = [home / "jobs" / str(uuid.uuid4()), home / "jobs" / "incoming" / "tmpx", home / "jobs" / "incoming" / "new"]
    for folder in left:
        folder.mkdir(parents=True)
    for folder in (job.folder, *left[:2]):
        os.utime(folder, (0, 0))
    services.sweep()
    assert [folder.exists() for folder in (job.folder, *left)] == [True, False, False, True]


def test_a_job_keeps_to_the_model_that_it_was_begun_with(inside, made):
    from api_service.jobs import worker
    from api_service.jobs.models import Job
    from har_core import promotion

    made(2)
    jobs = [record(post(inside)) for _ in range(2)]
    broken_off = worker.claim("a")
    worker._bundle(broken_off)
    promotion.promote("tiny@2", "ada")
    Job.objects.filter(pk=broken_off.pk).update(lease=broken_off.created)
    assert [do(name).model for name in "bc"] == ["tiny@1", "tiny@2"]
    assert [json.loads(job.output.read_text().splitlines()[0])["model"]["version"] for job in jobs] == [1, 2]


def test_a_model_that_has_gone_or_is_broken_fails_the_job_in_words(inside, home):
    from api_service.jobs import worker
    from api_service.jobs.models import Job
    from har_core import serving

    responses = [post(inside) for _ in range(2)]
    worker.claim("a")
    Job.objects.filter(worker="a").update(model="tiny@7", model_digest="other", lease=record(responses[0]).created)
    spoil(serving.find(), "model.tflite")
    for code, response in zip(("model_gone", "bundle_broken"), responses, strict=True):
        assert do(code).state == "failed"
        row = inside.get(f"{JOBS}/{response.json()['id']}").json()
        assert row["error"]["code"] == code
        assert str(home.parent) not in row["error"]["message"]
        assert row["expires"]
    problem_inside(inside.get(f"{JOBS}/{responses[0].json()['id']}/results"), 409, "results_incomplete")
    assert inside.get(f"{JOBS}/{responses[0].json()['id']}/results?partial=true").status_code == 200


def test_photos_that_bring_the_worker_down_are_given_up(inside):
    from api_service.jobs import worker
    from api_service.jobs.models import Job

    job = record(post(inside))
    for name in "abc":
        assert worker.claim(name).pk == job.pk
        assert worker.claim("too soon") is None
        Job.objects.update(lease=job.created)  # The worker died; its time is over.
    assert do("d").error_code == "job_crashed"


def test_files_that_have_gone_fail_the_job(inside):
    record(post(inside)).remove_files()
    assert do().error_code == "job_files_unusable"


def test_a_job_that_ended_after_its_record_was_saved_is_done_without_its_photos(inside):
    from api_service.jobs.models import Job, State

    job = record(post(inside))
    before = do()
    rows = job.output.read_bytes()
    Job.objects.update(state=State.RUNNING, done=1, failed=0, finished=None, lease=job.created)  # From the backup.
    after = do()
    assert (after.state, after.done, after.failed) == (State.DONE, before.total, before.failed)
    assert job.output.read_bytes() == rows
    Job.objects.update(state=State.RUNNING, lease=job.created)
    job.output.write_bytes(rows.splitlines(keepends=True)[0])
    assert do().error_code == "job_files_unusable"


def test_a_worker_writes_nothing_of_a_job_that_is_not_its_own_any_more(inside):
    from api_service.jobs import worker
    from api_service.jobs.models import Job, State

    post(inside)
    job = worker.claim("slow")
    Job.objects.update(worker="fast")
    worker.run(job)
    assert not job.output.exists() or not job.output.read_bytes()
    job.refresh_from_db()
    assert (job.state, job.worker) == (State.RUNNING, "fast")
    with locked(job.folder / "lock"):  # Another process still writes.
        worker.run(job)
    job.refresh_from_db()
    assert job.state == State.RUNNING
    worker.run(job)
    job.refresh_from_db()
    assert job.state == State.DONE


def test_what_the_metrics_tell_of_jobs(inside):
    from api_service.jobs import selectors

    for _ in range(3):
        post(inside)
    do()
    assert selectors.counts() == {"queued": 2, "running": 0, "done": 1, "failed": 0, "cancelled": 0, "expired": 0}
    assert len(selectors.waiting()) == 2


def test_rows_are_those_of_the_library(inside):
    from har_core import serving

    post(inside)
    line = json.loads(do().output.read_text().splitlines()[0])
    expected = Predictor(serving.find(), 1).predict(images.decode(photo(1))).to_dict()
    assert line == {"path": "b.png"} | expected
