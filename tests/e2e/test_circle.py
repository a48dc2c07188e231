"""The whole circle, with real photos in a real browser: a wrong answer makes a model that gets it right."""

import pytest
from playwright.sync_api import expect

from har_core import config, feedback, images, serving
from har_core.config import PROJECT_ROOT
from har_core.datasets import ingest
from har_core.datasets.sources import table
from har_core.feedback import Answer
from tests.e2e.test_training import end_all
from tests.servers import app

pytestmark = pytest.mark.browser

LONG = 60_000
TRAINING = 240_000
# People who jump over a bar look like fighters to the model that ships.
SPORT, RIGHT, WRONG = "high_jump", "jumping", "fighting"
OTHERS = 15


@pytest.fixture
def home(tmp_path, monkeypatch, photos_root):
    """A state folder with the dataset behind the model that ships."""
    monkeypatch.setenv("HAR_HOME", str(tmp_path / "home"))
    config.settings.cache_clear()
    everyday = photos_root / "everyday"
    listed = table.read(PROJECT_ROOT / "data" / "everyday.csv", {"flickr8k": everyday, "willow": everyday})
    ingest.ingest("everyday", listed)
    yield tmp_path / "home"
    end_all(tmp_path / "home")
    config.settings.cache_clear()


@pytest.fixture
def circle_app(home, tmp_path):
    environment = {
        "HAR_HOME": str(home),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
        "HAR_LATENCY_BUDGET_MS": "10000",  # However busy this machine is.
    }
    with app(tmp_path / "log", **environment) as base:
        yield base


@pytest.fixture
def photos(photos_root, everyday):
    """Photos of the sport that are answered wrongly, the clearest mistake first: path and answer."""
    found = []
    for path in sorted((photos_root / "sports" / SPORT).iterdir()):
        answer = everyday.predict(images.decode(path.read_bytes(), min_side=everyday.input_size))
        if answer.label == WRONG:
            found.append((path, Answer.of(answer)))
    return sorted(found, key=lambda item: -item[1].confidence)


def test_a_wrong_answer_makes_a_model_that_gets_it_right(tab, circle_app, photos):
    (photo, _), *others = photos
    tab.goto(f"{circle_app}/photos")
    tab.locator("input[type=file]").set_input_files(photo, timeout=LONG)
    expect(tab.get_by_role("heading", name=WRONG)).to_be_visible(timeout=LONG)
    tab.get_by_role("button", name="Wrong? It is …").click()
    label = tab.get_by_role("combobox", name="What is the person doing?")
    label.fill(RIGHT)
    label.press("Enter")
    tab.get_by_role("button", name="Keep", exact=True).click()
    expect(tab.get_by_text(f"Kept as {RIGHT}, thank you.")).to_be_visible()
    # Other people brought photos of the kind meanwhile.
    for path, answer in others[:OTHERS]:
        feedback.record(path.read_bytes(), RIGHT, answer, "api")

    tab.get_by_role("link", name="Feedback").click()
    while feedback.queue():
        waiting = len(feedback.queue())
        accept = tab.get_by_role("button", name="Accept these").or_(
            tab.get_by_role("button", name="Accept", exact=True)
        )
        accept.first.click(timeout=LONG)
        expect(tab.get_by_text(f"To review ({max(0, waiting - 12)})")).to_be_visible()
    tab.get_by_text(f"Accepted ({1 + OTHERS})").click()
    tab.get_by_role("button", name="Add", exact=True).click()
    expect(tab.get_by_text(f"photos added to everyday, {1 + OTHERS} for training.")).to_be_visible(timeout=LONG)
    expect(tab.get_by_text("A new head on the network of everyday@2")).to_be_visible()
    tab.get_by_role("button", name="Train on everyday").click()
    expect(tab.get_by_text("is done.")).to_be_visible(timeout=TRAINING)

    tab.get_by_role("link", name="Compare it with the one in service").click()
    for model in ("everyday@3", "everyday@2"):
        ask = tab.get_by_text(f"{model} was not asked")
        expect(ask.or_(tab.get_by_text("exact McNemar test")).first).to_be_visible(timeout=LONG)
        if ask.count():
            tab.get_by_role("button", name="Ask it about").click()
            expect(ask).to_have_count(0, timeout=LONG)
    expect(tab.get_by_text("exact McNemar test")).to_be_visible(timeout=LONG)

    tab.goto(f"{circle_app}/models?model=everyday@3")
    tab.get_by_role("button", name="Check it").click(timeout=LONG)
    tab.get_by_label("Your name").fill("Ada", timeout=LONG)
    expect(tab.get_by_label("Reason to do it all the same")).to_have_count(0)
    tab.get_by_role("button", name="Put into service").click()
    expect(tab.get_by_text("everyday@3 is in service now")).to_be_visible(timeout=LONG)
    assert serving.in_service() == "everyday@3"

    tab.goto(f"{circle_app}/photos")
    tab.locator("input[type=file]").set_input_files(photo, timeout=LONG)
    expect(tab.get_by_role("heading", name=RIGHT)).to_be_visible(timeout=LONG)
