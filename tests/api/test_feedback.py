"""Feedback over HTTP, under a real gunicorn with two workers."""

import base64
import io
import os
import time
import uuid

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image

from har_core import config, feedback
from tests.api.test_live import CYCLING, problem
from tests.conftest import EXAMPLES
from tests.servers import api

RUNNING = (EXAMPLES / "running.jpg").read_bytes()
URL = "/api/v1/feedback"


@pytest.fixture(scope="module")
def api_home(tmp_path_factory):
    return tmp_path_factory.mktemp("feedback") / "home"


@pytest.fixture(scope="module")
def client(api_home):
    with (
        api(api_home.parent / "log", HAR_HOME=str(api_home), WEB_CONCURRENCY="2") as base,
        httpx.Client(base_url=base, timeout=60) as found,
    ):
        yield found


@pytest.fixture(autouse=True)
def same_home(api_home, monkeypatch):
    """The entries that the API keeps are those that a test reads."""
    monkeypatch.setenv("HAR_HOME", str(api_home))
    config.settings.cache_clear()
    yield
    for entry in feedback.entries():
        feedback.forget(entry.photo)


def predict(client, payload: bytes = CYCLING) -> dict:
    return client.post("/api/v1/predictions", files={"image": payload}).json()


def test_a_wrong_answer_is_named_by_its_id_whichever_worker_is_asked(client):
    answer = predict(client)
    bodies = []
    for _ in range(8):  # A new connection each: they land on both workers.
        with httpx.Client(base_url=client.base_url) as other:
            said = {"prediction_id": answer["id"], "verdict": "wrong", "label": "Riding Horse"}
            response = other.post(URL, json=said)
            assert response.status_code == 201, response.text
            bodies.append(response.json())
    (entry,) = feedback.entries()
    assert [body | {"time": ""} for body in bodies] == [bodies[0] | {"time": ""}] * 8
    assert bodies[0]["photo"] == entry.photo
    assert (entry.label, entry.predicted, entry.verdict, entry.source) == ("riding_horse", "cycling", "wrong", "api")
    assert (entry.prediction_id, entry.confidence) == (answer["id"], answer["confidence"])
    assert entry.model == f"everyday@{answer['model']['version']}"
    assert feedback.photo_path(entry.photo).is_file()


def test_a_right_answer_needs_no_label(client):
    body = client.post(URL, json={"prediction_id": predict(client)["id"], "verdict": "right"}).json()
    assert (body["verdict"], body["label"], body["status"]) == ("right", "cycling", "new")


def test_one_of_many_answers_is_named_by_its_id(client):
    files = [("images", CYCLING), ("images", b"text"), ("images", RUNNING)]
    rows = client.post("/api/v1/predictions", files=files).json()["results"]
    body = client.post(URL, json={"prediction_id": rows[2]["id"], "verdict": "right"}).json()
    assert body["label"] == rows[2]["label"]


def test_the_photo_itself_may_be_sent(client):
    said = {"verdict": "wrong", "label": "dancing"}
    form = client.post(URL, data=said, files={"image": ("a.jpg", RUNNING)})
    assert form.status_code == 201, form.text
    assert form.json()["label"] == "dancing"
    assert form.json()["predicted"] == predict(client, RUNNING)["label"]
    text = client.post(URL, json=said | {"image": base64.b64encode(CYCLING).decode()})
    assert text.json()["predicted"] == "cycling"
    assert len(feedback.entries()) == 2


def test_an_answer_that_is_not_kept_any_more_is_told_so(client, api_home):
    said = {"prediction_id": predict(client)["id"], "verdict": "right"}
    past = time.time() - 11 * 60
    os.utime(api_home / "predictions" / said["prediction_id"], (past, past))
    assert "Send the photo" in problem(client.post(URL, json=said), 404, "prediction_not_found")["detail"]
    said["prediction_id"] = str(uuid.uuid4())
    problem(client.post(URL, json=said), 404, "prediction_not_found")
    problem(client.post(URL, json=said | {"prediction_id": "../x"}), 404, "prediction_not_found")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"json": {"verdict": "wrong"}}, 400, "invalid_parameter"),
        ({"json": {"verdict": "right", "label": "running"}}, 400, "invalid_parameter"),
        ({"json": {"verdict": "perhaps", "label": "running"}}, 400, "invalid_parameter"),
        ({"json": {"label": "running"}}, 400, "invalid_parameter"),
        ({"json": ["right"]}, 400, "invalid_parameter"),
        ({"json": {"verdict": "right"}}, 400, "bad_request"),
        ({"json": {"verdict": "right", "image": "%%%"}}, 400, "bad_request"),
        ({"json": {"verdict": "right", "image": "", "prediction_id": "x"}}, 400, "bad_request"),
        ({"data": {"verdict": "right"}, "files": {"image": b"text"}}, 415, "not_an_image"),
        ({"data": {"verdict": "right"}, "files": [("images", CYCLING)]}, 400, "bad_request"),
        ({"data": {"verdict": "wrong", "label": "a\nb"}, "files": {"image": CYCLING}}, 400, "label_invalid"),
        ({"data": {"verdict": "wrong", "label": "x" * 101}, "files": {"image": CYCLING}}, 400, "label_invalid"),
        ({"json": {"verdict": "wrong", "label": "a\x00b", "image": "AA=="}}, 400, "invalid_parameter"),
        ({"data": {"verdict": "right"}}, 415, "unsupported_media_type"),
        ({"content": CYCLING, "headers": {"Content-Type": "image/jpeg"}}, 415, "unsupported_media_type"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_reason(client, request_, status, code):
    problem(client.post(URL, **request_), status, code)
    assert feedback.entries() == []


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "OWN"}, False),
        ({"Origin": "OWN"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "OWN"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
    ],
)
def test_pages_of_other_sites_cannot_speak_for_their_visitors(client, headers, passes):
    own = str(client.base_url).rstrip("/")
    headers = {name: own if value == "OWN" else value for name, value in headers.items()}
    response = client.post(URL, data={"verdict": "right"}, files={"image": CYCLING}, headers=headers)
    if passes:
        assert response.status_code == 201, response.text
    else:
        problem(response, 403, "forbidden")
        assert feedback.entries() == []


def test_a_photo_that_a_dataset_has_is_not_kept_again(client):
    body = client.post(URL, data={"verdict": "right"}, files={"image": CYCLING}).json()
    (entry,) = feedback.settle([feedback.find(body["photo"])], "mine")
    try:
        answer = client.post(URL, data={"verdict": "right"}, files={"image": CYCLING})
        assert "dataset mine" in problem(answer, 409, "feedback_added")["detail"]
    finally:
        (feedback.root() / f"{entry.photo}.json").unlink()


def say(client, payload: bytes = CYCLING, label: str = "dancing") -> dict:
    answer = client.post(URL, data={"verdict": "wrong", "label": label}, files={"image": payload})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_what_waits_for_review_is_listed_the_least_sure_answer_first(client):
    said = sorted([say(client, payload) for payload in (CYCLING, RUNNING)], key=lambda entry: entry["confidence"])
    assert client.get(URL).json() == {"total": 2, "results": said}
    assert client.get(URL, params={"limit": 1}).json() == {"total": 2, "results": said[:1]}
    assert client.get(URL, params={"status": "accepted"}).json() == {"total": 0, "results": []}
    problem(client.get(URL, params={"status": "waiting"}), 400, "invalid_parameter")
    problem(client.get(URL, params={"limit": 0}), 400, "invalid_parameter")


def test_a_reviewer_accepts_corrects_and_discards(client):
    url = f"{URL}/{say(client)['photo']}"
    accepted = client.patch(url, json={"status": "accepted"}).json()
    assert (accepted["status"], accepted["reviewed_label"]) == ("accepted", "dancing")
    corrected = client.patch(url, json={"status": "accepted", "label": "running"}).json()
    assert (corrected["label"], corrected["reviewed_label"]) == ("dancing", "running")
    assert client.get(URL, params={"status": "accepted"}).json()["results"] == [corrected]
    assert client.patch(url, json={"status": "discarded"}).json()["status"] == "discarded"
    problem(client.get(f"{url}/image"), 404, "feedback_not_found")
    problem(client.patch(url, json={"status": "accepted"}), 404, "feedback_not_found")


def test_a_reviewer_sees_the_photo_as_it_is_kept_and_nobody_on_the_way_may_keep_it(client):
    photo = say(client)["photo"]
    answer = client.get(f"{URL}/{photo}/image", headers={"Accept": "image/*"})
    assert answer.content == feedback.photo_path(photo).read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_photo_that_an_earlier_version_kept_as_it_was_brought_is_shown_without_its_metadata(client):
    photo = say(client)["photo"]
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera"
    Image.new("RGB", (40, 30), "red").save(buffer, "PNG", exif=exif)
    feedback.photo_path(photo).with_suffix(".photo").write_bytes(buffer.getvalue())
    answer = client.get(f"{URL}/{photo}/image")
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert (shown.format, shown.size, dict(shown.getexif())) == ("JPEG", (40, 30), {})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_parameter"),
        ({"status": "added"}, "invalid_parameter"),
        ({"status": "discarded", "label": "running"}, "invalid_parameter"),
        ({"status": "accepted", "label": ""}, "invalid_parameter"),
        ({"status": "accepted", "label": "a\nb"}, "label_invalid"),
        (["accepted"], "invalid_parameter"),
    ],
)
def test_a_review_that_cannot_be_understood_changes_nothing(client, body, code):
    entry = say(client)
    problem(client.patch(f"{URL}/{entry['photo']}", json=body), 400, code)
    assert client.get(f"{URL}/{entry['photo']}").json() == entry


@pytest.mark.parametrize("photo", ["0" * 64, "%2e%2e", "..%5cserving", "a%00b", "x" * 5000])
def test_names_of_no_photo_are_not_found(client, photo):
    for method in ("GET", "DELETE", "PATCH"):
        body = {"json": {"status": "discarded"}} if method == "PATCH" else {}
        problem(client.request(method, f"{URL}/{photo}", **body), 404, "feedback_not_found")
    problem(client.get(f"{URL}/{photo}/image"), 404, "feedback_not_found")


def say_inside(inside, payload: bytes):
    return inside.post(URL, {"verdict": "right", "image": SimpleUploadedFile("a.jpg", payload)})


@pytest.mark.usefixtures("api_database")
def test_where_it_is_off_nothing_is_kept(inside, use_setting, tmp_path):
    use_setting("HOME", tmp_path / "off")
    use_setting("FEEDBACK", "false")
    answer = inside.post("/api/v1/predictions", {"image": SimpleUploadedFile("a.jpg", CYCLING)}).json()
    assert answer["label"] == "cycling"
    said = {"prediction_id": answer["id"], "verdict": "right"}
    problem(inside.post(URL, said, content_type="application/json"), 403, "feedback_off")
    problem(say_inside(inside, CYCLING), 403, "feedback_off")
    assert not list((tmp_path / "off").rglob("feedback/*"))
    assert not list((tmp_path / "off").rglob("predictions/*"))


@pytest.mark.usefixtures("api_database")
def test_where_there_is_no_room_it_is_said(inside, use_setting, tmp_path):
    use_setting("HOME", tmp_path / "full")
    use_setting("MAX_FEEDBACK_PHOTOS", 1)
    assert say_inside(inside, CYCLING).status_code == 201
    problem(say_inside(inside, RUNNING), 507, "feedback_full")
