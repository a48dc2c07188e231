"""From names to a model of one's own, in a browser with a fake camera."""

import io
import time

import pytest
from playwright.sync_api import expect

from har_core import config
from har_core.datasets import collection
from tests import camera
from tests.core.datasets.conftest import scene
from tests.core.datasets.test_collection import photos
from tests.e2e.test_training import end_all
from tests.servers import app

pytestmark = pytest.mark.browser

LONG = 60_000
TRAINING = 600_000
TITLE, NAME = "Hands & <b>feet</b>", "hands-b-feet-b"
FILMED, UPLOADED = "clapping", "kicking"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HAR_HOME", str(tmp_path / "home"))
    config.settings.cache_clear()
    yield tmp_path / "home"
    end_all(tmp_path / "home")
    config.settings.cache_clear()


@pytest.fixture
def page(playwright, home, tmp_path):
    """The page in a browser whose camera shows another picture five times a second."""
    pictures = []
    for seed in range(40):
        buffer = io.BytesIO()
        scene(seed, (640, 480)).save(buffer, "JPEG")
        pictures.append(buffer.getvalue())
    clip = camera.clip(tmp_path / "clip.mjpeg", *pictures, frames=6)
    environment = {"HAR_HOME": str(home), "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db"}
    with app(tmp_path / "log", **environment) as base:
        browser = playwright.chromium.launch(executable_path=str(camera.CHROMIUM), args=camera.flags(clip))
        found = browser.new_page(viewport={"width": 1280, "height": 900})
        found.goto(f"{base}/own_actions")
        yield found
        assert found.locator("[data-testid=stException]").count() == 0
        browser.close()


def button(page, name, timeout=LONG):
    """The button; waits until there is one of it, as what was drawn before may stay for a moment."""
    found = page.get_by_role("button", name=name, exact=True)
    expect(found).to_have_count(1, timeout=timeout)
    return found


def record(page):
    """Records until there are enough photos: a slow machine's camera shows some pictures twice, which count once."""
    deadline = time.monotonic() + 120
    while collection.load(NAME).record().lacking().get(FILMED):
        assert time.monotonic() < deadline
        button(page, "Record 20 photos").click(timeout=LONG)
        expect(page.get_by_text("photos taken.")).to_be_visible(timeout=LONG)
        expect(page.get_by_text(f"added to {FILMED}.").first).to_be_visible(timeout=LONG)


def test_from_names_to_a_model_of_ones_own(page):
    page.get_by_label("What shall your model be called?").fill(TITLE, timeout=LONG)
    button(page, "Begin").click()
    page.get_by_label("An action, or several with commas between").fill(f"{FILMED}, {UPLOADED}", timeout=LONG)
    button(page, "Add").click()
    expect(page.get_by_text("0 of 10 photos")).to_have_count(2, timeout=LONG)
    expect(button(page, "Train")).to_be_disabled(timeout=LONG)

    button(page, "Start the camera").click()
    record(page)
    files = [{"name": name, "mimeType": "image/png", "buffer": payload} for name, payload in photos(100, 12)]
    files.append({"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    page.locator("input[type=file]").nth(1).set_input_files(files)
    expect(page.get_by_text(f"12 added to {UPLOADED}. Not these:")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("bad.jpg: The file is not an image.")).to_be_visible(timeout=LONG)
    # What the page has to say does not switch the camera off.
    button(page, "Stop the camera")

    button(page, "Train").click(timeout=LONG)
    # Not Streamlit's own button, which stops the page.
    under_way = page.locator(".st-key-own-training").get_by_role("button", name="Stop", exact=True)
    expect(under_way).to_have_count(1, timeout=LONG)
    # Neither the photos nor the training belong to the tab.
    page.reload()
    button(page, "Train again", TRAINING)
    expect(page.get_by_text("12 photos")).to_have_count(1, timeout=LONG)

    page.get_by_text("cycling", exact=True).click(timeout=LONG)
    answer = page.get_by_test_id("stPlotlyChart").first
    for action in (FILMED, UPLOADED):
        expect(answer.get_by_text(action)).to_be_visible(timeout=LONG)
    expect(page.get_by_text("were kept apart for testing it was right about")).to_be_visible()
    expect(page.get_by_text(f"The figure flatters: for {FILMED}")).to_be_visible()
    with page.expect_download(timeout=LONG) as download:
        button(page, "Download the model").click()
    assert download.value.suggested_filename == f"{NAME}@1.zip"
    assert download.value.path().stat().st_size > 1_000_000
