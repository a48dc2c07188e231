"""Models, promotions, feedback, trainings and datasets with keys, under a real gunicorn."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from har_core import bundle as bundles
from har_core import config, feedback
from har_core.bundle import Bundle, Metric
from har_core.config import PROJECT_ROOT
from tests.api.test_live import CYCLING, problem
from tests.bundles import evaluation, shipping, variant
from tests.conftest import EXAMPLES, TINY_LABELS
from tests.servers import api

RUNNING = (EXAMPLES / "running.jpg").read_bytes()
SCOPES = ("predict", "feedback", "train", "admin")
PHOTO = "0" * 64


@pytest.fixture(scope="module")
def environment(tiny_bundle_source, tmp_path_factory):
    tiny, folder = Bundle(tiny_bundle_source), tmp_path_factory.mktemp("resources")
    found = shipping(tiny, folder) | {"HAR_API_AUTH": "required"}
    strange = evaluation(0.8).model_copy(update={"metrics": {"accuracy": Metric(value="nan", low="-inf", high=1)}})
    variant(tiny, folder / "home" / "models", version=2, evaluation=strange, recipe={"rate": float("nan")})
    (variant(tiny, folder / "home" / "models", version=3).folder / bundles.INFO).write_text("{")
    return found


@pytest.fixture(scope="module")
def base(environment):
    with api(Path(environment["HAR_HOME"]).with_name("log"), **environment) as found:
        yield found


@pytest.fixture(scope="module")
def keys(base, environment, manage):
    """Scope → a key with it alone; two with ``feedback``."""
    del base  # It makes the database.

    def make(scope: str) -> str:
        return manage("create_key", f"a {scope} program", "--scope", scope, **environment).strip()

    with ThreadPoolExecutor() as pool:
        names = (*SCOPES, "feedback")
        *made, other = pool.map(make, names)
    return dict(zip(SCOPES, made, strict=True)) | {"other": other}


@pytest.fixture
def ask(base, keys):
    """Sends a request with the key of a scope."""
    with httpx.Client(base_url=f"{base}/api/v1", timeout=60) as client:

        def send(key: str, method: str, url: str, **options):
            return client.request(method, url, headers={"Authorization": f"Bearer {keys[key]}"}, **options)

        yield send


@pytest.fixture
def said(ask, environment, monkeypatch):
    """What a program said of a photo; this process sees what the server keeps."""
    monkeypatch.setenv("HAR_HOME", environment["HAR_HOME"])
    config.settings.cache_clear()
    answer = ask(
        "feedback", "POST", "/feedback", data={"verdict": "wrong", "label": "dancing"}, files={"image": CYCLING}
    )
    assert answer.status_code == 201, answer.text
    yield answer.json()
    for entry in feedback.entries():
        feedback.forget(entry.photo)


ADDRESSES = [
    ("POST", "/promotions", "admin"),
    ("POST", "/rollbacks", "admin"),
    ("GET", "/feedback", "admin"),
    ("POST", "/feedback", "feedback"),
    ("GET", f"/feedback/{PHOTO}", "feedback"),
    ("DELETE", f"/feedback/{PHOTO}", "feedback"),
    ("PATCH", f"/feedback/{PHOTO}", "admin"),
    ("GET", f"/feedback/{PHOTO}/image", "admin"),
    ("GET", "/trainings", "train"),
    ("POST", "/trainings", "train"),
    ("GET", "/trainings/nothing", "train"),
    ("DELETE", "/trainings/nothing", "train"),
    ("POST", "/trainings/nothing/resume", "train"),
    ("GET", "/trainings/nothing/log", "train"),
    ("GET", "/datasets", "train"),
]


@pytest.mark.parametrize(("method", "url", "scope"), ADDRESSES)
def test_each_address_asks_for_its_scope(ask, base, method, url, scope):
    problem(httpx.request(method, f"{base}/api/v1{url}"), 401, "key_missing")
    for other in SCOPES:
        answer = ask(other, method, url)
        if other == scope:
            assert answer.status_code not in (401, 403), answer.text
        else:
            problem(answer, 403, "scope_missing")


@pytest.mark.parametrize("url", ["/labels", "/models", "/models/tiny@1", "/promotions"])
def test_any_key_may_look_at_models(ask, base, url):
    problem(httpx.get(f"{base}/api/v1{url}"), 401, "key_missing")
    for scope in SCOPES:
        assert ask(scope, "GET", url).status_code == 200


def test_models_are_listed_with_their_figures_and_a_damaged_one_is_passed_over(ask):
    newer, served = ask("predict", "GET", "/models").json()["results"]
    assert (newer["version"], newer["in_service"]) == (2, False)
    assert (served["name"], served["version"], served["in_service"]) == ("tiny", 1, True)
    assert (served["label_count"], served["input_size"]) == (3, 32)
    assert served["size"] > 1000
    assert served["evaluation"]["n"] == 100
    assert served["evaluation"]["metrics"]["accuracy"] == pytest.approx({"value": 0.8, "low": 0.75, "high": 0.85})


def test_figures_that_json_cannot_say_are_null(ask):
    model = ask("predict", "GET", "/models/tiny@2").json()
    assert model["evaluation"]["metrics"]["accuracy"] == {"value": None, "low": None, "high": 1}
    assert model["recipe"] == {"rate": None}


def test_one_model_is_told_in_full(ask):
    model = ask("predict", "GET", "/models/tiny@1").json()
    assert (model["labels"], model["card"]) == (TINY_LABELS, "# tiny\n")
    assert model["thresholds"] == {"confidence": 0.9, "precision": 0.9, "energy": None}
    assert (model["dataset"], model["in_service"]) == ({"fingerprint": "0"}, True)


@pytest.mark.parametrize("name", ["tiny", "tiny@9", "%2e%2e", "tiny@1%00", "models", "x" * 5000])
def test_a_model_that_is_not_there_is_not_found(ask, name):
    problem(ask("predict", "GET", f"/models/{name}"), 404, "unknown_model")


def test_no_answer_says_where_files_lie(ask, environment, said):
    pages = [ask("predict", "GET", url) for url in ("/models", "/models/tiny@1", "/models/tiny@3", "/promotions")]
    pages += [ask("train", "GET", url) for url in ("/trainings", "/datasets")]
    pages += [ask("admin", "GET", "/feedback"), ask("feedback", "GET", f"/feedback/{said['photo']}")]
    (Path(environment["HAR_HOME"]) / "serving.json").write_text("[{")
    pages.append(ask("predict", "GET", "/promotions"))
    (Path(environment["HAR_HOME"]) / "serving.json").unlink()
    assert "serving.json is damaged" in problem(pages[-1], 503, "history_broken")["detail"]
    for page in pages:
        for place in (environment["HAR_HOME"], str(PROJECT_ROOT), "/tmp"):
            assert place not in page.text


def test_a_promotion_is_recorded_under_the_keys_name(ask, keys):
    answer = ask("admin", "POST", "/promotions", json={"model": "tiny@2", "override": "not a number"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["who"] == f"API key a admin program ({keys['admin'].partition('.')[0]})"
    assert ask("admin", "POST", "/rollbacks", json={}).status_code == 201


def test_only_who_said_it_and_reviewers_see_it_and_take_it_back(ask, said, keys):
    url = f"/feedback/{said['photo']}"
    assert said["source"] == f"api/{keys['feedback'].partition('.')[0]}"
    assert ask("feedback", "GET", url).json() == said
    problem(ask("other", "GET", url), 404, "feedback_not_found")
    problem(ask("other", "DELETE", url), 404, "feedback_not_found")
    assert feedback.find(said["photo"]) is not None
    assert ask("feedback", "DELETE", url).status_code == 204
    assert feedback.entries() == []
    assert not feedback.photo_path(said["photo"]).exists()
    problem(ask("feedback", "DELETE", url), 404, "feedback_not_found")
