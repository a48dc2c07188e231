"""Two APIs with a HAR_HOME each and one PostgreSQL: what they share, and what each has for itself."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from har_core.bundle import Bundle
from tests.api.test_jobs import workers
from tests.api.test_live import problem
from tests.bundles import variant
from tests.core.batch.photos import photo, zipped
from tests.servers import api, free_port
from tests.waiting import until

JOBS = "/api/v1/jobs"
PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def hosts(tiny_bundle_source, tmp_path_factory, postgres_url, manage):
    folder = tmp_path_factory.mktemp("hosts")
    variant(Bundle(tiny_bundle_source), folder / "shipped")
    environment = {
        "DATABASE_URL": postgres_url,
        "HAR_API_AUTH": "required",
        "HAR_SHIPPED_MODELS": str(folder / "shipped"),
        "HAR_MODEL": "tiny",
        "HAR_QUEUE_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    left, right = ({"HAR_HOME": str(folder / name)} | environment for name in ("left", "right"))
    scopes = ("--scope", "predict", "--scope", "feedback", "--scope", "train")
    key = {"Authorization": f"Bearer {manage('create_key', 'x', *scopes, **left).strip()}"}
    with (
        api(folder / "left.log", **left) as one,
        api(folder / "right.log", **right) as other,
        httpx.Client(base_url=one, headers=key, timeout=60) as asks_left,
        httpx.Client(base_url=other, headers=key, timeout=60) as asks_right,
    ):
        yield asks_left, asks_right
    for host in (left, right):
        for process in workers(Path(host["HAR_HOME"])):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)


def test_a_job_is_done_and_given_back_where_its_photos_lie_and_followed_everywhere(hosts):
    left, right = hosts
    content = zipped([("a.png", photo(1)), ("b.png", photo(2))])
    sent = left.post(JOBS, content=content, headers={"Content-Type": "application/zip", "Idempotency-Key": "mine"})
    url = f"{JOBS}/{sent.json()['id']}"
    # The other host's worker comes first, and has nothing to do.
    here = right.post(JOBS, content=content, headers={"Content-Type": "application/zip"}).json()
    until(lambda: right.get(f"{JOBS}/{here['id']}").json()["state"] == "done")
    until(lambda: right.get(url).json()["state"] == "done")
    again = right.post(JOBS, content=content, headers={"Content-Type": "application/zip", "Idempotency-Key": "mine"})
    assert (again.status_code, again.json()["id"]) == (200, sent.json()["id"])
    problem(right.get(f"{url}/results"), 421, "job_elsewhere")
    problem(right.delete(url), 421, "job_elsewhere")
    assert len(left.get(f"{url}/results").text.splitlines()) == 2
    assert left.delete(url).status_code == 204
    problem(right.get(url), 404, "job_not_found")


def test_feedback_that_names_an_answer_of_another_host_is_told_to_bring_the_photo(hosts):
    left, right = hosts
    answer = left.post("/api/v1/predictions", content=photo(1), headers=PNG).json()
    said = {"prediction_id": answer["id"], "verdict": "wrong", "label": "red"}
    assert "Send the photo" in problem(right.post("/api/v1/feedback", json=said), 404, "prediction_not_found")["detail"]
    assert left.post("/api/v1/feedback", json=said).status_code == 201


def test_without_redis_only_trainings_are_away(hosts):
    left, _ = hosts
    problem(left.get("/api/v1/trainings"), 503, "queue_unreachable")
    assert left.post("/api/v1/predictions", content=photo(1), headers=PNG).status_code == 200
    assert left.get("/readyz").status_code == 200
