"""The API under a real gunicorn."""

import base64
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from har_core import images
from tests.conftest import EXAMPLES
from tests.hostile import HOSTILE
from tests.servers import api

STATUS = {
    "empty_image": 400,
    "not_an_image": 415,
    "unsupported_format": 415,
    "truncated_image": 422,
    "corrupt_image": 422,
    "too_many_pixels": 413,
    "image_too_large": 413,
}
CYCLING = (EXAMPLES / "cycling.jpg").read_bytes()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with api(tmp_path_factory.mktemp("api") / "log") as base, httpx.Client(base_url=base, timeout=60) as found:
        yield found


def post(client, **kwargs):
    return client.post("/api/v1/predictions", **kwargs)


def problem(response, status: int, code: str):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    return body


@pytest.fixture(scope="module")
def expected(everyday):
    return everyday.predict(images.decode(CYCLING, min_side=everyday.input_size)).to_dict()


def same(body, expected):
    assert body["label"] == expected["label"]
    assert body["model"] == expected["model"]
    for found, wanted in zip(body["predictions"], expected["predictions"], strict=True):
        assert found["label"] == wanted["label"]
        assert found["score"] == pytest.approx(wanted["score"], abs=1e-6)


def test_all_four_bodies_give_the_answer_of_the_library(client, expected):
    multipart = post(client, files={"image": ("a.jpg", CYCLING)}).json()
    raw = post(client, content=CYCLING, headers={"Content-Type": "image/jpeg"}).json()
    text = post(client, json={"image": base64.b64encode(CYCLING).decode()}).json()
    many = post(client, files=[("images", ("a.jpg", CYCLING)), ("images", ("b.jpg", CYCLING))]).json()["results"]
    for body in (multipart, raw, text, *many):
        same(body, expected)
        assert body["timing_ms"] > 0
    assert len({body["id"] for body in (multipart, raw, text, *many)}) == 5


def test_one_bad_image_spoils_only_its_row(client, expected):
    files = [("images", ("a.jpg", CYCLING)), ("images", ("b.jpg", b"nonsense")), ("images", ("c.jpg", CYCLING))]
    first, bad, last = post(client, files=files).json()["results"]
    same(first, expected)
    same(last, expected)
    assert bad["error"]["code"] == "not_an_image"


def test_top_k_and_explain(client):
    body = post(client, params={"top_k": 1, "explain": "true"}, files={"image": CYCLING}).json()
    assert len(body["predictions"]) == 1
    assert body["explanation"]["label"] == body["label"]
    assert max(map(max, body["explanation"]["heat_map"])) == 1
    picture = base64.b64decode(body["explanation"]["overlay"].partition(",")[2])
    assert images.decode(picture).shape[2] == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_their_code(client, name):
    payload, code = HOSTILE[name]
    problem(post(client, files={"image": (f"../<script>{name}", payload)}), STATUS[code], code)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"files": {"photo": CYCLING}}, 400, "bad_request"),
        ({"files": [("image", CYCLING), ("image", CYCLING)]}, 400, "bad_request"),
        ({"data": {"image": "text"}, "files": {}}, 415, "unsupported_media_type"),
        ({}, 400, "bad_request"),
        ({"json": {"image": "%%%"}}, 400, "bad_request"),
        ({"json": {"image": 7}}, 400, "bad_request"),
        ({"json": ["image"]}, 400, "bad_request"),
        ({"content": b"[" * 200_000, "headers": {"Content-Type": "application/json"}}, 400, "malformed_request"),
        ({"data": {f"f{i}": "x" for i in range(30)}, "files": {"image": CYCLING}}, 400, "malformed_request"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "malformed_request"),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
        ({"content": b"", "headers": {"Content-Type": "image/png"}}, 400, "bad_request"),
        ({"content": b"\xff", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400, "bad_request"),
        ({"content": b"\xff", "headers": {"Content-Type": "multipart/form-data"}}, 400, "malformed_request"),
        ({"params": {"top_k": "0"}, "files": {"image": CYCLING}}, 400, "invalid_parameter"),
        ({"params": {"explain": "maybe"}, "files": {"image": CYCLING}}, 400, "invalid_parameter"),
        ({"files": [("images", CYCLING)] * 33}, 413, "too_many_images"),
        ({"content": b"\0" * 65_000_000, "headers": {"Content-Type": "image/png"}}, 413, "request_too_large"),
    ],
)
def test_requests_that_cannot_be_answered_say_why(client, request_, status, code):
    problem(post(client, **request_), status, code)


def test_addresses_and_methods_that_do_not_exist(client):
    problem(client.get("/nothing"), 404, "not_found")
    problem(client.get("/api/v1/models/everyday@999"), 404, "unknown_model")
    problem(client.get("/api/v1/predictions"), 405, "method_not_allowed")
    problem(client.get("/healthz", headers={"Host": "evil.example"}), 400, "bad_request")


def test_labels_and_models_describe_what_answers(client, everyday):
    labels = client.get("/api/v1/labels").json()
    assert labels["labels"] == everyday.labels
    served = [model for model in client.get("/api/v1/models").json()["results"] if model["in_service"]]
    assert [(model["name"], model["version"]) for model in served] == [tuple(labels["model"].values())]
    assert client.get(f"/api/v1/models/everyday@{labels['model']['version']}").json()["dataset"]["fingerprint"]


def test_many_clients_at_once_get_the_same_answer(client, expected):
    with ThreadPoolExecutor(16) as pool:
        for body in pool.map(lambda _: post(client, files={"image": CYCLING}).json(), range(64)):
            same(body, expected)


def test_it_is_up_and_ready(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"


def test_real_photos_come_out_right_more_often_than_not(client, photos_root):
    photos = sorted((photos_root / "sports").glob("track_bicycle/*"))[:10]
    found = [post(client, content=photo.read_bytes(), headers={"Content-Type": "image/jpeg"}) for photo in photos]
    assert sum(response.json()["label"] == "cycling" for response in found) > 5
