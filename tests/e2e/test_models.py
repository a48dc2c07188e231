"""The page Models in a real browser: a second version gets into service and out again, a damaged one never."""

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from har_core import bundle as bundles
from har_core.config import PROJECT_ROOT
from tests.servers import app

pytestmark = pytest.mark.browser

SHIPPED = PROJECT_ROOT / "models" / "everyday@2"
LONG = 60_000


@pytest.fixture
def models_home(tmp_path) -> Path:
    """A state folder with a model that says "pedalling" where the one that ships says "cycling"."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "home" / "models" / "everyday@90"))
    info = json.loads((folder / bundles.INFO).read_text())
    labels = ["pedalling" if label == "cycling" else label for label in info["labels"]]
    (folder / bundles.INFO).write_text(json.dumps({**info, "version": 90, "labels": labels}))
    return tmp_path / "home"


@pytest.fixture
def models_app(models_home, tmp_path):
    # MLflow mirrors what happens in a process of its own; nobody waits for it here.
    store = f"sqlite:///{models_home}/mlflow.db"
    with app(tmp_path / "log", HAR_HOME=str(models_home), MLFLOW_TRACKING_URI=store) as base:
        yield base


def choose_section(tab, name):
    tab.get_by_role("radiogroup", name="Section").get_by_text(name, exact=True).click()


def wait_for_answer(tab, base, label):
    """Opens Predict with an example again and again, until it is answered like this; the server stays up."""
    for _ in range(30):
        tab.goto(f"{base}/photos")
        tab.get_by_test_id("stMainBlockContainer").get_by_text("cycling", exact=True).first.click(timeout=LONG)
        expect(tab.get_by_text("Where it looked")).to_be_visible(timeout=LONG)
        if tab.get_by_role("heading", name=label).count():
            return
    raise AssertionError(f"it was never answered {label}")


def test_a_second_version_gets_into_service_and_out_again(tab, models_app):
    wait_for_answer(tab, models_app, "cycling")

    tab.goto(f"{models_app}/models?model=everyday@90")
    expect(tab.get_by_role("heading", name="everyday@90")).to_be_visible(timeout=LONG)
    tab.get_by_role("button", name="Check it").click()
    expect(tab.get_by_text("It lacks 1 label")).to_be_visible(timeout=LONG)
    tab.get_by_label("Your name").fill("Ada")
    tab.get_by_role("button", name="Put into service").click()
    expect(tab.get_by_text("A reason is needed")).to_be_visible()
    tab.get_by_label("Reason to do it all the same").fill("It is the same, under another name.")
    tab.get_by_role("button", name="Put into service").click()
    expect(tab.get_by_text("everyday@90 is in service now")).to_be_visible(timeout=LONG)
    wait_for_answer(tab, models_app, "pedalling")

    tab.goto(f"{models_app}/models?tab=Side+by+side&left=everyday@2&right=everyday@90")
    expect(tab.get_by_text("They differ")).to_be_visible(timeout=LONG)
    expect(tab.get_by_role("heading", name="cycling")).to_be_visible()
    expect(tab.get_by_role("heading", name="pedalling")).to_be_visible()

    tab.get_by_role("button", name="Roll back").click()
    form = tab.get_by_test_id("stPopoverBody")
    form.get_by_label("Your name").fill("Grace")
    form.get_by_role("button", name="Roll back").click()
    expect(tab.get_by_text("everyday@2 is back in service")).to_be_visible(timeout=LONG)
    wait_for_answer(tab, models_app, "cycling")

    tab.goto(f"{models_app}/models?tab=History")
    # The table is drawn on a canvas; what it says is in a hidden one, for those who cannot see.
    for text in ("put back", "Grace", "put into service", "Ada", "It is the same, under another name."):
        expect(tab.locator("canvas td").filter(has_text=text).first).to_be_attached(timeout=LONG)

    tab.set_viewport_size({"width": 390, "height": 844})
    for section in ("All models", "Side by side", "History", "Import"):
        choose_section(tab, section)
        expect(tab.get_by_role("radio", name=section)).to_be_checked()
        tab.wait_for_function("document.documentElement.scrollWidth <= 390")


def test_what_was_exported_is_refused_in_words_once_a_byte_is_wrong(tab, models_app, models_home, tmp_path):
    tab.goto(f"{models_app}/models?model=everyday@2")
    with tab.expect_download(timeout=LONG) as download:
        tab.get_by_role("button", name="Export as zip").click(timeout=LONG)
    assert download.value.suggested_filename == "everyday@2.zip"
    content = bytearray(download.value.path().read_bytes())
    network = (SHIPPED / bundles.TFLITE).read_bytes()
    content[content.index(network) + len(network) // 2] ^= 1
    zipped = tmp_path / "everyday.zip"
    zipped.write_bytes(bytes(content))

    tab.goto(f"{models_app}/models?tab=Import")
    tab.locator("input[type=file]").set_input_files(zipped, timeout=LONG)
    expect(tab.get_by_text("everyday.zip")).to_be_visible()
    tab.get_by_role("button", name="Import", exact=True).click()
    expect(tab.get_by_text("everyday.zip was not imported.")).to_be_visible(timeout=LONG)
    assert [folder.name for folder in (models_home / "models").iterdir() if folder.name[0] != "."] == ["everyday@90"]
