"""Trainings over HTTP, under a real gunicorn; nothing is trained, since no worker may start."""

import httpx
import pytest

from har_core.files import locked
from tests.api.test_live import problem
from tests.servers import api
from tests.training.conftest import coloured_photos  # noqa: F401 - a fixture
from training import runs
from training.runs import Epoch, Outcome


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


def test_one_that_was_stopped_goes_on_where_it_stopped(client):
    url = client.post("/api/v1/trainings", json=WANTED).headers["Location"]
    client.delete(url)
    answer = client.post(f"{url}/resume")
    assert (answer.status_code, answer.json()["state"], answer.json()["position"]) == (202, "queued", 1)
    newest = client.post("/api/v1/trainings", json=WANTED).json()
    assert client.get("/api/v1/trainings", params={"limit": 1}).json()["results"] == [newest]
    (runs.root() / newest["run"] / "outcome.json").write_text(Outcome(state="done").model_dump_json())
    problem(client.post(f"/api/v1/trainings/{newest['run']}/resume"), 409, "training_error")


def test_what_it_printed_and_why_it_failed_are_told_without_where_files_lie(client, home):
    url = client.post("/api/v1/trainings", json=WANTED).headers["Location"]
    assert client.get(f"{url}/log").json() == {"lines": []}
    folder = runs.root() / url.rpartition("/")[2]
    printed = f'  File "{home}/a b/fit.py", line 3\nOSError: {home}/runs/log.txt\n3/4 steps, http://localhost/x'
    (folder / "log.txt").write_text(printed)
    last = client.get(f"{url}/log", params={"limit": 2}).json()["lines"]
    assert last == ["OSError: log.txt", "3/4 steps, http://localhost/x"]
    (folder / "outcome.json").write_text(Outcome(state="failed", message=f"{home} is full.").model_dump_json())
    assert str(home) not in client.get(url).text


def test_figures_that_are_none_are_null(client):
    url = client.post("/api/v1/trainings", json=WANTED).headers["Location"]
    figures = dict.fromkeys(
        ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate", "seconds"), float("nan")
    )
    run = runs.find(url.rpartition("/")[2])
    run.keep_epochs([Epoch(epoch=1, phase=1, recall={"red": 0.5}, best=True, **figures)])
    (epoch,) = client.get(url).json()["epochs"]
    assert (epoch["loss"], epoch["recall"]) == (None, {"red": 0.5})


def test_datasets_are_told_with_what_a_training_needs_to_know(client, home):
    (home / "datasets" / "damaged").mkdir()
    (home / "datasets" / "damaged" / "dataset.json").write_text("{")
    (row,) = client.get("/api/v1/datasets").json()["results"]
    assert (row["name"], row["images"], row["unlabelled"]) == ("coloured", 91, 0)
    assert row["labels"] == {"red": 30, "green": 30, "blue": 30, "rare": 1}
    assert set(row["splits"]) == {"train", "val", "test"}
    assert sum(row["splits"].values()) == 91


def test_forms_and_unknown_runs_are_refused(client):
    problem(client.post("/api/v1/trainings", data=WANTED), 415, "unsupported_media_type")
    problem(client.post("/api/v1/trainings/nothing/resume"), 404, "run_not_found")
    problem(client.get("/api/v1/trainings/nothing/log"), 404, "run_not_found")
    problem(client.get("/api/v1/trainings/nothing"), 404, "run_not_found")
    problem(client.delete("/api/v1/trainings/nothing"), 404, "run_not_found")


def test_an_api_that_answers_to_the_world_trains_for_nobody_without_a_key(tmp_path):
    with api(tmp_path / "log", DJANGO_ALLOWED_HOSTS="localhost,127.0.0.1,example.org") as base:
        problem(httpx.get(f"{base}/api/v1/trainings"), 401, "key_missing")
        problem(httpx.post(f"{base}/api/v1/trainings", json=WANTED), 401, "key_missing")
