import json

import pytest
from playwright.sync_api import expect

from har_core import images
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.browser


def test_home_shows_an_answer_and_leads_on(tab, app_url):
    tab.goto(app_url)
    expect(tab.get_by_role("heading", name="What is this person doing?")).to_be_visible()
    expect(tab.get_by_role("heading", name="cycling")).to_be_visible()
    tab.get_by_role("link", name="Many photos at once").click()
    expect(tab.get_by_role("heading", name="Photos")).to_be_visible()


def test_a_real_photo_is_uploaded_and_its_label_read(tab, app_url, photos_root, everyday):
    photo = sorted((photos_root / "sports").glob("track_bicycle/*"))[0]
    wanted = everyday.predict(images.decode(photo.read_bytes(), min_side=everyday.input_size))
    assert wanted.label == "cycling"
    tab.goto(f"{app_url}/photos")
    tab.locator("input[type=file]").set_input_files(photo)
    expect(tab.get_by_role("heading", name="cycling")).to_be_visible()
    expect(tab.get_by_text(f"{wanted.confidence:.0%}").first).to_be_visible()


def test_many_photos_with_a_broken_one_are_downloaded_as_json(tab, app_url, tmp_path, everyday):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes((EXAMPLES / "running.jpg").read_bytes()[:20_000])
    tab.goto(f"{app_url}/photos")
    tab.locator("input[type=file]").set_input_files([EXAMPLES / "cycling.jpg", broken, EXAMPLES / "climbing.jpg"])
    expect(tab.get_by_text("The image is cut off")).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="JSON").click()
    rows = json.loads(download.value.path().read_text())
    assert [row["path"] for row in rows] == ["cycling.jpg", "broken.jpg", "climbing.jpg"]
    assert rows[1]["error"]["code"] == "truncated_image"
    photo = images.decode((EXAMPLES / "cycling.jpg").read_bytes(), min_side=everyday.input_size)
    assert rows[0]["confidence"] == pytest.approx(everyday.predict(photo).confidence, abs=1e-6)


def test_on_a_phone_nothing_is_wider_than_the_screen(tab, app_url):
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.goto(app_url)
    expect(tab.get_by_role("heading", name="cycling")).to_be_visible()
    tab.wait_for_function("document.documentElement.scrollWidth <= 390")
