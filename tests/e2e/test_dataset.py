"""The page Dataset in a real browser: from a folder of photos to a dataset that was put right."""

import zipfile

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.core.datasets.conftest import scene
from tests.servers import app

pytestmark = pytest.mark.browser

COLOURS = {"eating": "red", "running": "green", "sitting": "blue"}
LONG = 60_000


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten photos for each of three labels, and a file that is none."""
    root = tmp_path_factory.mktemp("photos")
    for number, (label, colour) in enumerate(list(COLOURS.items()) * 10):
        path = root / label / f"{number:02}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.blend(scene(number, (160, 120)), Image.new("RGB", (160, 120), colour), 0.5).save(path)
    (root / "eating" / "broken.jpg").write_bytes(b"no image")
    return root


@pytest.fixture(scope="module")
def dataset_app(tmp_path_factory):
    """An app that has no dataset yet."""
    folder = tmp_path_factory.mktemp("app")
    with app(folder / "log", HAR_HOME=str(folder / "home")) as base:
        yield f"{base}/dataset"


def choose_section(tab, name):
    tab.get_by_role("radiogroup", name="Section").get_by_text(name, exact=True).click()


def test_from_a_folder_to_a_relabelled_photo(tab, dataset_app, photos):
    tab.goto(dataset_app)
    tab.get_by_role("button", name="Import a folder").click(timeout=LONG)
    tab.get_by_role("textbox", name="Folder, or zip file").fill(str(photos))
    tab.get_by_role("textbox", name="Name of the new dataset").fill("small")
    tab.get_by_role("button", name="Import", exact=True).click()
    expect(tab.get_by_text("Importing small", exact=True)).to_be_visible(timeout=LONG)
    expect(tab.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop")).to_be_visible()
    # The page finds out by itself that the work is over, and shows the new dataset.
    expect(tab.get_by_text("Importing small: done.")).to_be_visible(timeout=LONG)
    expect(tab.get_by_text("not an image")).to_be_visible()
    expect(tab.get_by_text("30", exact=True).first).to_be_visible()

    choose_section(tab, "Review")
    tab.get_by_role("button", name="Check now").click()
    expect(tab.get_by_text("Checking small", exact=True)).to_be_visible(timeout=LONG)
    # The work does not belong to the page: a reload finds it again.
    tab.reload()
    expect(tab.get_by_text("Checked as it is now: 30 photos.")).to_be_visible(timeout=LONG)

    choose_section(tab, "Photos")
    tiles = tab.locator("[class*=st-key-tile-photo-gallery]")
    expect(tiles).to_have_count(24)
    # A click on the picture itself, not on the words below it.
    tiles.first.click(position={"x": 40, "y": 40})
    dialog = tab.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="eating")).to_be_visible()
    expect(dialog.get_by_text("More like this")).to_be_visible()
    label = dialog.get_by_role("combobox", name="Right label")
    label.fill("drinking")
    label.press("Enter")
    dialog.get_by_role("button", name="Relabel").click()
    expect(dialog.get_by_role("heading", name="drinking")).to_be_visible()
    dialog.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_role("heading", name="eating")).to_be_visible()
    # While the page is still being drawn, the dialog may be replaced just when the key arrives.
    expect(tab.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    choose_section(tab, "Map")
    expect(tab.locator("[data-testid=stVegaLiteChart]").locator("canvas, svg").first).to_be_visible(timeout=LONG)

    tab.set_viewport_size({"width": 390, "height": 800})
    for section in ("Overview", "Photos", "Map", "Review", "Import"):
        choose_section(tab, section)
        expect(tab.get_by_role("radio", name=section)).to_be_checked()
        tab.wait_for_function("document.documentElement.scrollWidth <= 390")


def test_a_zip_is_uploaded_and_imported(tab, dataset_app, photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as file:
        for path in photos.rglob("*.jpg"):
            file.write(path, path.relative_to(photos))
    tab.goto(f"{dataset_app}?section=Import")
    tab.get_by_text("Upload a zip").click(timeout=LONG)
    tab.locator("input[type=file]").set_input_files(tmp_path / "photos.zip")
    expect(tab.get_by_text("photos.zip")).to_be_visible()
    tab.get_by_role("textbox", name="Name of the new dataset").fill("zipped")
    tab.get_by_role("button", name="Import", exact=True).click()
    expect(tab.get_by_text("Importing zipped: done.")).to_be_visible(timeout=LONG)
    expect(tab.get_by_role("radio", name="Overview")).to_be_checked()
    assert "dataset=zipped" in tab.url
