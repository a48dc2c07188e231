"""Trainings over HTTP, under a real gunicorn; nothing is trained, since no worker may start."""

import httpx
import pytest

from har_core.files import locked
from tests.api.test_live import problem
from tests.servers import api
from tests.training.conftest import coloured_photos  # noqa: F401 - a fixture


@pytest.fixture
def client(tmp_path, home, coloured_photos):  # noqa: F811
    assert coloured_photos.name == "coloured"
    # Whoever holds this lock is taken for the worker.
    with locked(home / "worker.lock"), api(tmp_path / "log") as base, httpx.Client(base_url=base) as found:
        yield found


WANTED = {"recipe": "quick", "dataset": "coloured", "changes": ["image_size=64", "name=mine"]}


def test_a_training_is_queued_listed_shown_and_stopped(client):
    answer = client.post("/api/v1/trainings", json=WANTED)
    assert answer.status_code == 202, answer.text
    row = answer.json()
    assert (row["state"], row["position"], row["model"]) == ("queued", 1, "mine")
    assert [item["run"] for item in client.get("/api/v1/trainings").json()["results"]] == [row["run"]]
    details = client.get(answer.headers["Location"]).json()
    assert details["recipe"]["image_size"] == 64
    assert (details["progress"], details["epochs"]) == (None, [])
    assert client.delete(answer.headers["Location"]).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"dataset": "coloured"}, 400, "invalid_parameter"),
        (WANTED | {"recipe": "/etc/passwd"}, 400, "invalid_parameter"),
        (WANTED | {"changes": ["nonsense=1"]}, 400, "recipe_invalid"),
        (WANTED | {"changes": "seed=1"}, 400, "invalid_parameter"),
        (WANTED | {"changes": ["min_photos=1000"]}, 409, "training_error"),
        (WANTED | {"dataset": "nothing"}, 404, "dataset_not_found"),
        (WANTED | {"dataset": "../.."}, 404, "dataset_not_found"),
        ([], 400, "invalid_parameter"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_reason(client, body, status, code):
    problem(client.post("/api/v1/trainings", json=body), status, code)
    assert client.get("/api/v1/trainings").json()["results"] == []


def test_forms_and_unknown_runs_are_refused(client):
    problem(client.post("/api/v1/trainings", data=WANTED), 415, "unsupported_media_type")
    problem(client.get("/api/v1/trainings/nothing"), 404, "run_not_found")
    problem(client.delete("/api/v1/trainings/nothing"), 404, "run_not_found")


def test_an_api_that_answers_to_the_world_trains_for_nobody(tmp_path):
    with api(tmp_path / "log", DJANGO_ALLOWED_HOSTS="localhost,127.0.0.1,example.org") as base:
        problem(httpx.get(f"{base}/api/v1/trainings"), 403, "forbidden")
        problem(httpx.post(f"{base}/api/v1/trainings", json=WANTED), 403, "forbidden")
