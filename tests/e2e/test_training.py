"""The page Training in a real browser, with an app that nobody started a worker for."""

import os
import signal
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from har_core import config
from har_core.datasets import ingest
from har_core.datasets.sources import folder
from har_core.datasets.split import split_dataset
from har_core.files import is_locked
from tests.core.datasets.conftest import scene
from tests.servers import app
from tests.waiting import until

pytestmark = pytest.mark.browser

COLOURS = {"eating": "red", "running": "green", "sitting": "blue"}
LONG = 60_000
TRAINING = 240_000


@pytest.fixture(scope="module")
def training_home(tmp_path_factory):
    """A state folder with one dataset, which is split."""
    root = tmp_path_factory.mktemp("training")
    for number, (label, colour) in enumerate(list(COLOURS.items()) * 20):
        path = root / "photos" / label / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.blend(scene(number, (160, 120)), Image.new("RGB", (160, 120), colour), 0.5).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(root / "home"))
        config.settings.cache_clear()
        split_dataset(ingest.ingest("small", folder.read(root / "photos")), 0.2, 0.2)
    config.settings.cache_clear()
    yield root / "home"
    end_all(root / "home")


@pytest.fixture
def training_app(training_home, tmp_path):
    with app(tmp_path / "log", HAR_HOME=str(training_home)) as base:
        yield f"{base}/training"


def processes(home: Path) -> dict[int, str]:
    """Pid → command line, of those that belong to a state folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"HAR_HOME={home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # It ended meanwhile, or belongs to somebody else.
            continue
    return found


def workers(home: Path) -> list[int]:
    return [pid for pid, command in processes(home).items() if "training.worker" in command]


def end_all(home: Path) -> None:
    """Ends the worker; what it trains ends with it."""
    for pid in workers(home):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any("training" in command for command in processes(home).values()))


def choose_section(tab, name):
    tab.get_by_role("radiogroup", name="Section").get_by_text(name, exact=True).click()


def start(tab, preset, name):
    choose_section(tab, "New run")
    tab.get_by_role("radiogroup", name="Recipe").get_by_text(preset, exact=True).click()
    # Straight from the field to the button, as people do: what was typed last must count.
    tab.get_by_role("textbox", name="Name of the model").fill(name)
    tab.get_by_role("button", name="Start", exact=True).click()
    expect(tab.get_by_role("radio", name="Live")).to_be_checked(timeout=LONG)


def test_from_a_dataset_to_a_model_and_a_run_that_is_stopped(tab, training_app, training_home):
    tab.goto(training_app)
    expect(tab.get_by_role("heading", name="What to expect")).to_be_visible(timeout=LONG)
    start(tab, "Quick", "first")
    live = tab.locator("[class*=st-key-live-]")
    expect(live.get_by_role("progressbar")).to_be_visible(timeout=LONG)
    # Nobody but the app started the worker, and there is one of it.
    assert is_locked(training_home / "worker.lock")
    until(lambda: len(workers(training_home)) == 1)

    # A second run waits behind the first.
    start(tab, "Finetune", "second")
    expect(tab.get_by_text("1. second on small")).to_be_visible(timeout=LONG)
    # The work does not belong to the page: a reload finds it again.
    tab.reload()
    expect(live.get_by_role("progressbar")).to_be_visible(timeout=LONG)

    # The page finds out by itself that the run is over, and goes on with the next.
    done = tab.locator("[class*=st-key-ended-first]")
    expect(done.get_by_text("is done.")).to_be_visible(timeout=TRAINING)
    expect(live.get_by_text("second on small")).to_be_visible(timeout=LONG)
    expect(tab.get_by_role("heading", name="Loss")).to_be_visible(timeout=TRAINING)
    expect(live.get_by_text("of 14 · batch")).to_be_visible(timeout=TRAINING)
    live.get_by_role("button", name="Stop").click()
    stopped = tab.locator("[class*=st-key-ended-second]")
    expect(stopped.get_by_text("was stopped.")).to_be_visible()
    until(lambda: not any("-m training " in command for command in processes(training_home).values()))

    done.get_by_role("button", name="Details").click()
    expect(tab.get_by_role("heading", name="first")).to_be_visible()
    expect(tab.get_by_text("Kept for review as")).to_be_visible()
    expect(tab.get_by_text("Calibration error").first).to_be_visible()
    assert "run=first-" in tab.url
    tab.get_by_text("Try it").click()
    tab.get_by_text("cycling", exact=True).click()
    expect(tab.get_by_text("Wrong? It is …")).to_be_visible(timeout=LONG)

    # Ticking a second row compares the two.
    tab.get_by_test_id("stDataFrame").first.click(position={"x": 16, "y": 55})
    expect(tab.get_by_role("heading", name="2 runs compared")).to_be_visible()

    tab.set_viewport_size({"width": 390, "height": 844})
    for section in ("New run", "Live", "Runs"):
        choose_section(tab, section)
        expect(tab.get_by_role("radio", name=section)).to_be_checked()
        tab.wait_for_function("document.documentElement.scrollWidth <= 390")


def test_a_run_whose_worker_was_killed_is_resumed(tab, training_app, training_home):
    tab.goto(training_app)
    start(tab, "Finetune", "third")
    live = tab.locator("[class*=st-key-live-]")
    expect(live.get_by_role("progressbar")).to_be_visible(timeout=LONG)
    end_all(training_home)
    ended = tab.locator("[class*=st-key-ended-third]")
    expect(ended.get_by_text("was interrupted")).to_be_visible(timeout=LONG)
    ended.get_by_role("button", name="Details").click()
    tab.get_by_role("button", name="Resume").click()
    # Another worker is started for it.
    expect(live.get_by_text("third on small")).to_be_visible(timeout=LONG)
    live.get_by_role("button", name="Stop").click()
    expect(tab.get_by_text("Nothing is being trained")).to_be_visible()
