"""The page Evaluation in a real browser: from a model that was not asked yet to a photo that was put right."""

import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from har_core import config
from har_core.datasets import ingest
from har_core.datasets.sources import table
from tests.core.datasets.conftest import scene
from tests.servers import app

pytestmark = pytest.mark.browser

# Colour of a photo → label that it is given; the tiny model says the colour.
PHOTOS = [*(("red", "red"),) * 4, *(("green", "green"),) * 4, *(("blue", "blue"),) * 3, *(("red", "green"),) * 2]
LONG = 60_000
SECTIONS = ("Overview", "Confusions", "Labels", "Confidence", "Mistakes", "Slices", "Compare")


@pytest.fixture
def evaluation_home(tmp_path) -> Path:
    """A state folder with one dataset, which no model was asked about."""
    lines = ["path,label,split"]
    (tmp_path / "photos").mkdir()
    for number, (colour, label) in enumerate(PHOTOS):
        Image.blend(scene(number, (160, 120)), Image.new("RGB", (160, 120), colour), 0.8).save(
            tmp_path / "photos" / f"{number}.png"
        )
        lines.append(f"{number}.png,{label},test")
    (tmp_path / "photos" / "labels.csv").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(tmp_path / "home"))
        config.settings.cache_clear()
        ingest.ingest("small", table.read(tmp_path / "photos" / "labels.csv"))
    config.settings.cache_clear()
    return tmp_path / "home"


@pytest.fixture
def evaluation_app(evaluation_home, tiny_bundle, tmp_path):
    models = str(tiny_bundle.folder.parent)
    with app(tmp_path / "log", HAR_HOME=str(evaluation_home), HAR_SHIPPED_MODELS=models, HAR_MODEL="tiny") as base:
        yield f"{base}/evaluation"


def choose_section(tab, name):
    tab.get_by_role("radiogroup", name="Section").get_by_text(name, exact=True).click()


def test_a_model_is_asked_a_confusion_looked_at_and_a_label_put_right(tab, evaluation_app):
    tab.goto(evaluation_app)
    tab.get_by_role("button", name="Ask it about 13 photos").click(timeout=LONG)
    # The page finds out by itself that the work is over, and shows the figures.
    expect(tab.get_by_text("Asking tiny@1 about small, test: done.")).to_be_visible(timeout=LONG)
    expect(tab.get_by_text("Of 13 photos.")).to_be_visible(timeout=LONG)
    expect(tab.get_by_text("84.6%", exact=True).first).to_be_visible()

    with tab.expect_download() as download:
        tab.get_by_role("button", name="HTML").click()
    report = Path(download.value.path()).read_text("utf-8")
    assert download.value.suggested_filename == "tiny@1-small-test.html"
    assert "data:image/jpeg;base64," in report
    assert "tiny@1" in report
    with tab.expect_download() as download:
        tab.get_by_role("button", name="JSON").click()
    assert json.loads(Path(download.value.path()).read_text("utf-8"))["n"] == 13

    choose_section(tab, "Confusions")
    photos = tab.locator("[class*=st-key-tile-photo-cell]")
    expect(photos).to_have_count(2)
    expect(tab.get_by_text("green, called red")).to_be_visible()
    # Another cell: the photos that it is right about.
    cells = tab.locator("[data-testid=stPlotlyChart] .bars .point path")
    cells.last.click(force=True)
    expect(tab.get_by_text("blue, recognised")).to_be_visible(timeout=LONG)
    expect(photos).to_have_count(3)
    tab.get_by_test_id("stDataFrame").first.click(position={"x": 16, "y": 55})
    expect(tab.get_by_text("green, called red")).to_be_visible()
    expect(photos).to_have_count(2)

    photos.first.click(position={"x": 40, "y": 40})
    dialog = tab.get_by_role("dialog")
    expect(dialog.get_by_text("tiny@1 says red")).to_be_visible()
    dialog.get_by_text("Where it looked").click()
    expect(dialog.get_by_text("Bright: what speaks for the model's answer.")).to_be_visible()
    dialog.get_by_role("button", name="Relabel").click()
    expect(dialog.get_by_role("heading", name="red", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(photos).to_have_count(1)

    choose_section(tab, "Overview")
    expect(tab.get_by_text("92.3%", exact=True).first).to_be_visible()
    choose_section(tab, "Mistakes")
    expect(tab.get_by_text("relabelled photos/")).to_be_visible()
    tab.get_by_role("button", name="Undo the last fix").click()
    expect(tab.locator("[class*=st-key-tile-photo-mistake]")).to_have_count(2)

    tab.set_viewport_size({"width": 390, "height": 844})
    for section in SECTIONS:
        choose_section(tab, section)
        expect(tab.get_by_role("radio", name=section)).to_be_checked()
        assert f"part={section}" in tab.url
        tab.wait_for_function("document.documentElement.scrollWidth <= 390")
