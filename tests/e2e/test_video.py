import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.conftest import EXAMPLES
from tests.core.video import clips

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Four seconds each of two of the pictures that come with the app, held upright by a phone."""
    photos = [Image.open(EXAMPLES / f"{name}.jpg").resize((640, 480)) for name in ("cycling", "climbing")]
    images = (np.rot90(np.asarray(photo)) for photo in photos for _ in range(20))
    return clips.turned(clips.write(tmp_path_factory.mktemp("clip") / "phone.mp4", images, rate=5), (0, 1, -1, 0))


@pytest.mark.parametrize("width", [1280, 390])
def test_a_video_is_uploaded_and_its_segments_seen_and_downloaded(tab, app_url, clip, width):
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(f"{app_url}/video")
    tab.locator("input[type=file]").set_input_files(clip)
    expect(tab.get_by_text("Pictures looked at")).to_be_visible(timeout=60_000)
    expect(tab.locator("[data-testid=stImage] img")).to_have_count(2)
    expect(tab.get_by_text("0:00.0 – 0:03.8")).to_be_visible()
    expect(tab.locator(".js-plotly-plot")).to_be_visible()
    tab.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="JSON").click()
    row = json.loads(download.value.path().read_text())
    assert download.value.suggested_filename == "phone.json"
    assert row["path"] == "phone.mp4"
    assert [item["label"] for item in row["segments"]] == ["cycling", "climbing"]


def test_a_file_that_is_no_video_is_refused_in_words(tab, app_url, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0" * 5000)
    tab.goto(f"{app_url}/video")
    tab.locator("input[type=file]").set_input_files(broken)
    expect(tab.get_by_text("The file is not a video")).to_be_visible(timeout=60_000)
