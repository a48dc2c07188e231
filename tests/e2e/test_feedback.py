"""From a wrong answer to a training that waits, in a real browser."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from har_core import config, feedback
from har_core.datasets import ingest, store
from har_core.datasets.sources import folder
from har_core.datasets.split import split_dataset
from har_core.files import locked
from tests.conftest import EXAMPLES
from tests.core.datasets.conftest import scene
from tests.servers import app
from training import queue, runs

pytestmark = pytest.mark.browser

COLOURS = {"eating": "red", "running": "green", "sitting": "blue"}
LONG = 60_000


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A state folder with a dataset that is split."""
    for number, (label, colour) in enumerate(list(COLOURS.items()) * 14):
        path = tmp_path / "photos" / label / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.blend(scene(number, (160, 120)), Image.new("RGB", (160, 120), colour), 0.5).save(path)
    monkeypatch.setenv("HAR_HOME", str(tmp_path / "home"))
    config.settings.cache_clear()
    split_dataset(ingest.ingest("small", folder.read(tmp_path / "photos")), 0.2, 0.2)
    yield tmp_path / "home"
    config.settings.cache_clear()


@pytest.fixture
def feedback_app(home, tmp_path):
    # Whoever holds this lock is taken for the worker: nothing is trained.
    with locked(home / "worker.lock"), app(tmp_path / "log", HAR_HOME=str(home)) as base:
        yield base


def narrow(tab) -> None:
    """On a phone, nothing is wider than the screen."""
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.wait_for_function("document.documentElement.scrollWidth <= 390")
    tab.set_viewport_size({"width": 1280, "height": 900})


def test_from_a_wrong_answer_to_a_training_that_waits(tab, feedback_app):
    tab.goto(f"{feedback_app}/photos")
    tab.locator("input[type=file]").set_input_files([EXAMPLES / "cycling.jpg", EXAMPLES / "climbing.jpg"])
    expect(tab.get_by_text("keeps this photo, at most 1024 px")).to_have_count(2, timeout=LONG)
    tab.get_by_role("button", name="Right", exact=True).first.click()
    expect(tab.get_by_text("Kept as cycling, thank you.")).to_be_visible()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("button", name="Right", exact=True)).to_have_count(2)
    assert feedback.entries() == []

    # A label of one's own, typed and sent at once.
    tab.get_by_role("button", name="Wrong? It is …").first.click()
    label = tab.get_by_role("combobox", name="What is the person doing?")
    label.fill("brushing teeth")
    label.press("Enter")
    tab.get_by_role("button", name="Keep", exact=True).click()
    expect(tab.get_by_text("Kept as brushing teeth, thank you.")).to_be_visible()
    tab.get_by_role("button", name="Right", exact=True).click()
    expect(tab.get_by_text("Kept as climbing, thank you.")).to_be_visible()
    narrow(tab)
    assert {(entry.label, entry.predicted) for entry in feedback.queue()} == {
        ("brushing teeth", "cycling"),
        ("climbing", "climbing"),
    }

    tab.get_by_role("link", name="Feedback").click()
    expect(tab.get_by_role("heading", name="Feedback")).to_be_visible(timeout=LONG)
    # The one that the model was less sure of comes first; the reviewer corrects the other.
    tiles = tab.locator("[class*=st-key-said-]")
    expect(tiles).to_have_count(2)
    expect(tiles.first).to_contain_text("climbing")
    narrow(tab)
    tab.reload()  # Streamlit has buttons with a help twice, by width, and does not always change them back.
    tiles.first.get_by_role("button", name="Discard").click()
    expect(tab.get_by_text("To review (1)")).to_be_visible()
    tiles.first.get_by_role("button", name="Correct").click()
    right = tab.get_by_role("combobox", name="What is the person doing?")
    right.fill("running")
    right.press("Enter")
    tab.get_by_role("button", name="Accept as this").click()
    expect(tab.get_by_text("Nothing waits for review.")).to_be_visible()

    tab.get_by_text("Accepted (1)").click()
    tab.get_by_role("button", name="Add", exact=True).click()
    expect(tab.get_by_text("1 photo added to small, 1 for training.")).to_be_visible(timeout=LONG)
    (added,) = feedback.entries("added")
    assert (added.dataset, added.right_label) == ("small", "running")
    new = store.load("small").base().iloc[-1]
    assert (new["label"], new["split"], new["source"]) == ("running", "train", "feedback")

    tab.get_by_role("button", name="Train on small").click()
    expect(tab.get_by_role("link", name="Watch it live")).to_be_visible(timeout=LONG)
    expect(tab.get_by_text("queued")).to_be_visible()
    (run,) = runs.newest_first()
    assert (queue.waiting(), run.record.dataset) == ([run.id], "small")
    narrow(tab)
    tab.get_by_role("link", name="Watch it live").click()
    expect(tab.get_by_text("1. small on small")).to_be_visible(timeout=LONG)
