"""Trainings over HTTP, under a real gunicorn; nothing is trained, since no worker may start."""

import shutil

import httpx
import numpy as np
import pytest
from PIL import Image

from har_core import config
from har_core.datasets import ingest
from har_core.datasets.sources import folder
from har_core.datasets.split import split_dataset
from har_core.files import locked
from tests.api.test_live import problem
from tests.servers import api
from training import runs
from training.runs import Epoch, Outcome

LABELS = {"red": 30, "green": 30, "blue": 30, "rare": 1}
WANTED = {"recipe": "quick", "dataset": "noise", "changes": ["image_size=64", "name=mine"]}


@pytest.fixture(scope="module")
def api_home(tmp_path_factory):
    """A state folder with one dataset, which is split."""
    root = tmp_path_factory.mktemp("trainings")
    noise = np.random.default_rng(0)
    for label, count in LABELS.items():
        (root / "photos" / label).mkdir(parents=True)
        for number in range(count):
            pixels = noise.integers(0, 256, (48, 48, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / "photos" / label / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(root / "home"))
        config.settings.cache_clear()
        split_dataset(ingest.ingest("noise", folder.read(root / "photos")), 0.2, 0.2)
    config.settings.cache_clear()
    return root / "home"


@pytest.fixture(scope="module")
def server(api_home):
    # Whoever holds this lock is taken for the worker.
    with locked(api_home / "worker.lock"), api(api_home.with_name("log"), HAR_HOME=str(api_home)) as base:
        yield base


@pytest.fixture
def client(server, api_home, monkeypatch):
    """Where there is no training yet; this process sees the same ones."""
    monkeypatch.setenv("HAR_HOME", str(api_home))
    config.settings.cache_clear()
    with httpx.Client(base_url=server) as found:
        yield found
    shutil.rmtree(runs.root(), ignore_errors=True)


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
        ({"dataset": "noise"}, 400, "invalid_parameter"),
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


def test_what_it_printed_and_why_it_failed_are_told_without_where_files_lie(client, api_home):
    url = client.post("/api/v1/trainings", json=WANTED).headers["Location"]
    assert client.get(f"{url}/log").json() == {"lines": []}
    folder = runs.root() / url.rpartition("/")[2]
    printed = f'  File "{api_home}/a b/fit.py", line 3\nOSError: {api_home}/runs/log.txt\n3/4 steps, http://localhost/x'
    (folder / "log.txt").write_text(printed)
    last = client.get(f"{url}/log", params={"limit": 2}).json()["lines"]
    assert last == ["OSError: log.txt", "3/4 steps, http://localhost/x"]
    (folder / "outcome.json").write_text(Outcome(state="failed", message=f"{api_home} is full.").model_dump_json())
    assert str(api_home) not in client.get(url).text


def test_figures_that_are_none_are_null(client):
    url = client.post("/api/v1/trainings", json=WANTED).headers["Location"]
    figures = dict.fromkeys(
        ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate", "seconds"), float("nan")
    )
    run = runs.find(url.rpartition("/")[2])
    run.keep_epochs([Epoch(epoch=1, phase=1, recall={"red": 0.5}, best=True, **figures)])
    (epoch,) = client.get(url).json()["epochs"]
    assert (epoch["loss"], epoch["recall"]) == (None, {"red": 0.5})


def test_datasets_are_told_with_what_a_training_needs_to_know(client, api_home):
    (api_home / "datasets" / "damaged").mkdir()
    (api_home / "datasets" / "damaged" / "dataset.json").write_text("{")
    (row,) = client.get("/api/v1/datasets").json()["results"]
    assert (row["name"], row["images"], row["unlabelled"]) == ("noise", 91, 0)
    assert row["labels"] == LABELS
    assert set(row["splits"]) == {"train", "val", "test"}
    assert sum(row["splits"].values()) == 91


def test_forms_and_unknown_runs_are_refused(client):
    problem(client.post("/api/v1/trainings", data=WANTED), 415, "unsupported_media_type")
    problem(client.post("/api/v1/trainings/nothing/resume"), 404, "run_not_found")
    problem(client.get("/api/v1/trainings/nothing/log"), 404, "run_not_found")
    problem(client.get("/api/v1/trainings/nothing"), 404, "run_not_found")
    problem(client.delete("/api/v1/trainings/nothing"), 404, "run_not_found")


@pytest.mark.usefixtures("api_database", "use_api_setting")
def test_an_api_that_answers_to_the_world_trains_for_nobody_without_a_key(inside, monkeypatch):
    from api_service.config import settings

    monkeypatch.setenv("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,example.org")
    settings.cache_clear()
    problem(inside.get("/api/v1/trainings"), 401, "key_missing")
    problem(inside.post("/api/v1/trainings", WANTED, content_type="application/json"), 401, "key_missing")
