"""The Python client, against a real gunicorn and against a server that misbehaves as told."""

import io
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from har_client import (
    Client,
    Conflict,
    Failure,
    HarApiError,
    NotAllowed,
    NotFound,
    Overloaded,
    PhotoRejected,
    PromotionRefused,
    RateLimited,
    Unreachable,
    connection,
)
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from tests.api.test_live import CYCLING
from tests.bundles import evaluation, shipping, variant
from tests.conftest import EXAMPLES, TINY_LABELS
from tests.servers import api

GUIDE = PROJECT_ROOT / "docs" / "api" / "client.md"


@pytest.fixture(scope="module")
def environment(tiny_bundle_source, tmp_path_factory):
    """``tiny@2`` is as good as the model in service, and ``tiny@3`` is worse."""
    tiny, folder = Bundle(tiny_bundle_source), tmp_path_factory.mktemp("client")
    variant(tiny, folder / "home" / "models", version=2)
    variant(tiny, folder / "home" / "models", version=3, evaluation=evaluation(0.6))
    return shipping(tiny, folder)


@pytest.fixture(scope="module")
def base(environment):
    with api(Path(environment["HAR_HOME"]).with_name("log"), **environment) as found:
        yield found


@pytest.fixture
def client(base) -> Iterator[Client]:
    with Client(base) as found:
        yield found


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder with three photos and a file that is none, though it ends like one."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "more/c.jpg"):
        (folder / name).write_bytes(CYCLING)
    (folder / "more" / "d.jpg").write_bytes(b"no photo")
    return folder


def test_a_photo_comes_as_a_path_as_bytes_or_as_a_file(client, base, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(CYCLING)
    expected = httpx.post(f"{base}/api/v1/predictions", files={"image": CYCLING}).json()
    for photo in (path, str(path), CYCLING, io.BytesIO(CYCLING)):
        answer = client.predict(photo)
        assert (answer.label, answer.decision) == (expected["label"], expected["decision"])
        assert answer.confidence == pytest.approx(expected["confidence"])
        assert [score.label for score in answer.predictions] == [row["label"] for row in expected["predictions"]]
        assert str(answer.model) == "tiny@1"
    explained = client.predict(path, top_k=1, explain=True)
    assert len(explained.predictions) == 1
    assert explained.explanation.overlay.startswith("data:image/jpeg;base64,")


def test_many_photos_are_answered_in_order_however_many_they_are(client):
    answers = list(client.predict_many([CYCLING] * 20 + [b"no photo"] + [CYCLING] * 20))
    assert [isinstance(answer, Failure) for answer in answers] == [False] * 20 + [True] + [False] * 20
    assert answers[20].code == "not_an_image"
    assert list(client.predict_many([])) == []


def test_what_is_refused_is_told_with_its_code_and_the_requests_id(client):
    with pytest.raises(PhotoRejected) as error:
        client.predict(b"no photo")
    assert (error.value.status, error.value.code) == (415, "not_an_image")
    assert error.value.detail
    assert re.fullmatch(r"[0-9a-f-]{16,36}", error.value.request_id)
    assert error.value.request_id in str(error.value)
    with pytest.raises(NotFound, match="unknown_model"):
        client.model("tiny@9")
    for ask in (client.model, client.trainings.get):
        with pytest.raises(NotFound, match="not_found"):
            ask("../labels")  # It stays a name, and leads to no other address.


def test_models_feedback_and_state(client):
    assert client.labels().labels == tuple(TINY_LABELS)
    assert [(model.version, model.in_service) for model in client.models()] == [(3, False), (2, False), (1, True)]
    model = client.model("tiny@1")
    assert (model.labels, model.evaluation.metrics["accuracy"].value) == (tuple(TINY_LABELS), 0.8)
    answer = client.predict(CYCLING)
    assert client.feedback(answer).verdict == "right"
    entry = client.feedback(CYCLING, label="dancing")
    assert (entry.verdict, entry.label, entry.predicted) == ("wrong", "dancing", answer.label)
    client.take_back(entry)
    with pytest.raises(NotFound):
        client.take_back(entry)
    assert client.is_healthy()
    assert client.is_ready()


def test_promotions_and_the_way_back(client):
    with pytest.raises(PromotionRefused) as error:
        client.promote("tiny@3")
    assert [check.name for check in error.value.checks if not check.passed] == ["figures"]
    change = client.promote("tiny@2", why="more photos")
    assert (change.model, change.before, change.why) == ("tiny@2", "tiny@1", "more photos")
    back = client.roll_back("complaints")
    assert client.promotions() == (back, change)
    with pytest.raises(PromotionRefused, match="nothing to go back to"):
        client.roll_back()


def test_a_folder_a_zip_and_a_list_of_photos_are_jobs(client, photos, tmp_path):
    packed = tmp_path / "photos.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for path in sorted(photos.rglob("*.jpg")):
            file.write(path, path.relative_to(photos))
    for sent in (photos, str(packed), sorted(photos.rglob("*.jpg"))):
        job = client.jobs.wait(client.jobs.submit(sent, top_k=1), timeout=300)
        assert (job.state, job.images.total, job.images.failed) == ("done", 4, 1)
        *good, bad = client.jobs.results(job)
        assert {(row.label, len(row.predictions), str(row.model)) for row in good} == {
            (client.predict(CYCLING).label, 1, "tiny@1")
        }
        assert (bad.error.code, bad.label) == ("not_an_image", None)
        assert bad.path.endswith("more/d.jpg")
    assert client.jobs.list(limit=1) == (job,)
    client.jobs.cancel(job)
    with pytest.raises(NotFound):
        client.jobs.get(job.id)


def test_a_job_that_is_named_is_not_done_twice(client, photos):
    first, second = (client.jobs.submit(photos, idempotency_key="mine") for _ in range(2))
    assert first.id == second.id
    with pytest.raises(Conflict, match="idempotency_conflict"):
        client.jobs.submit([photos / "a.jpg"], idempotency_key="mine")
    client.jobs.cancel(client.jobs.wait(first, timeout=300))


def test_trainings(client):
    assert client.trainings.list() == client.trainings.datasets() == ()
    with pytest.raises(NotFound, match="dataset_not_found"):
        client.trainings.start("quick", "nothing", ["seed=1"])


def test_the_guides_examples_run(base, photos, monkeypatch, capsys):
    (photos.parent / "photo.jpg").write_bytes((EXAMPLES / "running.jpg").read_bytes())
    monkeypatch.chdir(photos.parent)
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block.replace("http://127.0.0.1:8000", base), names)
    printed = capsys.readouterr().out
    for expected in ("done 4 of 4", "more/d.jpg", "tiny@1", "dataset_not_found", "unknown_model", "not_an_image"):
        assert expected in printed


PROBLEM = {"Content-Type": "application/problem+json"}
LABELS = b'{"labels": ["a"], "model": {"name": "m", "version": 1}}'


class Script(BaseHTTPRequestHandler):
    """Answers as the test says, in turn; None closes the connection without an answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(self.headers)
        answer = self.server.answers.pop(0)
        self.close_connection = answer is None
        if answer is not None:
            status, headers, body = answer
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.answers, server.asked = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def waited(monkeypatch) -> list[float]:
    """How long the client would have slept."""
    found: list[float] = []
    monkeypatch.setattr(connection, "sleep", found.append)
    return found


@pytest.fixture
def scripted(server) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{server.server_port}", key="abc.def", retries=3) as found:
        yield found


def refused(status: int, code: str, **headers: str):
    return status, PROBLEM | headers, f'{{"code": "{code}", "detail": "No.", "request_id": "r1"}}'.encode()


def test_a_question_is_repeated_when_the_server_says(server, scripted, waited):
    later = {"Retry-After": "7"}
    server.answers = [refused(429, "rate_limited", **later), refused(503, "overloaded", **later), (200, {}, LABELS)]
    assert scripted.labels().labels == ("a",)
    assert waited == [7, 7]
    assert [headers["Authorization"] for headers in server.asked] == ["Bearer abc.def"] * 3


def test_no_answer_is_waited_for_ever_longer_and_not_for_ever(server, scripted, waited):
    server.answers = [None] * 4
    with pytest.raises(Unreachable) as error:
        scripted.labels()
    assert (error.value.status, error.value.code) == (0, "unreachable")
    assert len(waited) == 3
    assert [0.25 * 2**n <= seconds <= 0.5 * 2**n for n, seconds in enumerate(waited)] == [True] * 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(429, "rate_limited", **{"Retry-After": "3600"}), RateLimited),
        (refused(503, "bundle_broken"), HarApiError),
        (refused(401, "key_invalid"), NotAllowed),
        (refused(403, "scope_missing"), NotAllowed),
        ((520, {"Content-Type": "text/html"}, b"<h1>"), HarApiError),
        ((502, {"Content-Type": "application/json"}, b"[]"), HarApiError),
    ],
)
def test_what_a_repeat_would_not_change_is_told_at_once(server, scripted, waited, answer, kind):
    server.answers = [answer]
    with pytest.raises(kind) as error:
        scripted.labels()
    assert (error.value.status, waited) == (answer[0], [])


def test_a_prediction_is_sent_again_and_a_change_is_not_unless_it_was_not_begun(server, scripted, waited):
    server.answers = [None, refused(422, "corrupt_image")]
    with pytest.raises(PhotoRejected):
        scripted.predict(b"x")
    server.answers = [refused(503, "overloaded", **{"Retry-After": "1"}), None]
    with pytest.raises(Unreachable):
        scripted.roll_back()
    server.answers = [refused(503, "answer_timeout", **{"Retry-After": "5"})]
    with pytest.raises(Overloaded) as error:
        scripted.trainings.start("quick", "mine")
    assert (error.value.retry_after, error.value.request_id) == (5, "r1")
    assert (len(server.asked), len(waited)) == (5, 2)


def test_a_long_examination_is_asked_for_until_it_is_done(server, scripted):
    unfinished = refused(503, "promotion_unfinished", **{"Retry-After": "1"})
    server.answers = [unfinished, unfinished, refused(409, "promotion_refused")]
    with pytest.raises(PromotionRefused):
        scripted.promote("tiny@2")
    server.answers = [unfinished]
    with pytest.raises(Overloaded):
        scripted.promote("tiny@2", timeout=0)


def test_a_job_that_was_cut_off_is_sent_again_in_whole_under_the_same_name(server, scripted, waited, photos):
    server.answers = [None, refused(400, "archive_broken")]
    with pytest.raises(HarApiError, match="archive_broken"):
        scripted.jobs.submit(photos)
    (first, second), (pause,) = server.asked, waited
    assert pause > 0
    assert first["Idempotency-Key"] == second["Idempotency-Key"]
    assert first["Content-Length"] == second["Content-Length"]
    assert int(first["Content-Length"]) > 3 * len(CYCLING)


def test_a_server_that_is_not_there_is_neither_healthy_nor_ready():
    with Client("http://127.0.0.1:9", retries=0) as client:
        assert not client.is_healthy()
        assert not client.is_ready()
