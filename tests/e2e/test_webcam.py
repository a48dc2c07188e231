"""The live view over real WebRTC, with Chromium's fake camera."""

from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import expect

from har_core import feedback
from tests import camera
from tests.conftest import EXAMPLES
from tests.servers import app, free_port, running
from tests.waiting import until

pytestmark = pytest.mark.browser

# As where a firewall lets no UDP through: only relays would be tried, and there is none.
NO_WAY = """{
  const Real = RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(configuration) { super({ ...configuration, iceTransportPolicy: "relay" }); }
  };
}"""
IN_USE = """if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("Could not start video source", "NotReadableError");
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("webcam-home")


@pytest.fixture(scope="module")
def watched(tmp_path_factory, home):
    """The app, and a question that tells which threads and connections its process has."""
    port, told = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    command = ["tests.watched_app", str(told), "run", "Home.py", "--server.port", str(port)]
    log = tmp_path_factory.mktemp("webcam-app") / "log"
    # As behind a proxy: so that the app can be asked by another name, too.
    open_to_all = {"STREAMLIT_SERVER_ENABLE_CORS": "false", "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false"}
    with running(command, f"{base}/_stcore/health", log, HAR_HOME=str(home), **open_to_all):
        yield base, lambda path="/": httpx.get(f"http://127.0.0.1:{told}{path}").json()


@pytest.fixture
def page_with(playwright):
    """Opens a tab of a browser with these flags; the page must show no exception."""

    @contextmanager
    def opened(flags, width=1280):
        browser = playwright.chromium.launch(executable_path=str(camera.CHROMIUM), args=flags)
        try:
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.set_default_timeout(60_000)
            yield page
            assert page.locator("[data-testid=stException]").count() == 0
        finally:
            browser.close()

    return opened


@pytest.fixture(scope="module")
def cycling(tmp_path_factory):
    return camera.clip(tmp_path_factory.mktemp("clip") / "clip.mjpeg", (EXAMPLES / "cycling.jpg").read_bytes())


# A camera that has only just been switched on gives black pictures.
IS_BRIGHT = """() => {
  const video = document.querySelector("[data-testid=stCameraInput] video");
  if (!video?.videoWidth) return false;
  const context = Object.assign(document.createElement("canvas"), { width: 8, height: 8 }).getContext("2d");
  context.drawImage(video, 0, 0, 8, 8);
  const values = [...context.getImageData(0, 0, 8, 8).data].filter((_, at) => at % 4 < 3);
  return values.filter((value) => value > 20).length > values.length / 2;
}"""


def see(page, label="cycling"):
    heading = page.get_by_role("heading", name=label)
    expect(heading).to_be_visible()
    return heading


def of_streams(threads):
    """Those that a stream needs: the classifier, the decoder, the one that draws, the one that waits for its end."""
    starts = ("webcam", "video-decoder", "async_media_processor", "ShutdownPolling", "process_offer")
    return [name for name in threads if name.startswith(starts)]


def await_the_end(told, path="/patient"):
    """Waits until nothing of a stream is left; a silent connection does not end by itself meanwhile."""
    until(lambda: not (now := told(path))["peers"] and not of_streams(now["threads"]), told=told)


def test_what_the_camera_sees_is_named_and_written_down(watched, page_with, cycling):
    base, _ = watched
    with page_with(camera.flags(cycling)) as page:
        page.goto(f"{base}/webcam")
        camera.start(page)
        see(page)
        expect(page.get_by_text("frames a second classified")).to_be_visible()
        video = camera.stream(page).locator("video")
        assert video.evaluate("video => [video.videoWidth, video.videoHeight]") == [640, 480]
        camera.stop(page)
        with page.expect_download() as download:
            page.get_by_test_id("stDownloadButton").get_by_role("button").click()
        header, first, *_ = download.value.path().read_text().splitlines()
        assert header == "start,end,action,confidence,sure_seconds,model"
        assert first.split(",")[2] == "cycling"


def test_a_real_photo_before_the_camera_is_named(watched, page_with, tmp_path, photos_root):
    photo = sorted((photos_root / "sports").glob("track_bicycle/*"))[0]
    clip = camera.clip(tmp_path / "clip.mjpeg", photo.read_bytes())
    base, _ = watched
    with page_with(camera.flags(clip)) as page:
        page.goto(f"{base}/webcam")
        camera.start(page)
        see(page)


def test_twenty_starts_leave_no_thread_and_no_connection(watched, page_with, cycling):
    base, told = watched
    with page_with(camera.flags(cycling)) as page:
        page.goto(f"{base}/webcam")
        for _ in range(20):
            camera.start(page)
            see(page)
            camera.stop(page)
            expect(page.get_by_role("heading", name="cycling")).to_have_count(0)
        await_the_end(told)


def test_the_section_the_page_or_the_tab_left_behind_ends_the_stream(watched, page_with, cycling):
    base, told = watched
    with page_with(camera.flags(cycling)) as page:
        page.goto(f"{base}/webcam")
        camera.start(page)
        see(page)
        assert of_streams(told("/patient")["threads"])
        page.get_by_text("Snapshot", exact=True).click()
        await_the_end(told)
        page.get_by_text("Live", exact=True).click()
        camera.start(page)
        see(page)
        page.get_by_role("link", name="Photos").click()
        await_the_end(told)
        page.get_by_role("link", name="Webcam").click()
        camera.start(page)
        see(page)
    await_the_end(told, "/")  # A closed tab says nothing: its connection ends half a minute later.


def test_controls_change_what_is_shown_and_not_the_stream(watched, page_with, cycling):
    base, told = watched
    with page_with(camera.flags(cycling)) as page:
        page.goto(f"{base}/webcam")
        camera.start(page)
        see(page)
        before = of_streams(told()["threads"])
        page.get_by_text("Mirror").click()
        page.get_by_text("Sports · 100 actions").click()
        see(page, "bike polo")
        assert of_streams(told("/patient")["threads"]) == before
        until(lambda: told()["peers"] == 1)


def test_a_frame_is_kept_with_what_a_person_says_of_it(watched, page_with, cycling, home, use_setting):
    base, _ = watched
    use_setting("HOME", home)
    with page_with(camera.flags(cycling)) as page:
        page.goto(f"{base}/webcam")
        camera.start(page)
        see(page)
        page.get_by_role("button", name="Keep this frame").click()
        page.get_by_role("button", name="Right").click()
        expect(page.get_by_text("thank you")).to_be_visible()
    (entry,) = feedback.entries()
    assert (entry.label, entry.source) == ("cycling", "app")


@pytest.mark.parametrize(
    ("flags", "script", "words"),
    [
        (camera.flags(), "", "No camera was found. Plug one in"),
        (
            [*camera.flags(is_allowed=False), "--use-fake-device-for-media-stream"],
            "",
            "The camera was not permitted. Allow it",
        ),
        (camera.flags(), IN_USE, "The camera is in use, or does not answer. Close other programs"),
    ],
    ids=["none", "denied", "in use"],
)
def test_a_camera_that_fails_is_told_in_words(watched, page_with, flags, script, words):
    base, _ = watched
    with page_with(flags) as page:
        page.add_init_script(script)
        page.goto(f"{base}/webcam")
        camera.start(page)
        expect(page.get_by_text(words)).to_be_visible()


@pytest.mark.parametrize("servers", ["", "turn:198.51.100.1:3478"], ids=["none", "one that does not answer"])
def test_a_network_without_a_way_is_told_in_words(page_with, cycling, tmp_path, servers):
    settings = {"HAR_ICE_SERVERS": servers, "HAR_TURN_USER": "me", "HAR_TURN_SECRET": "not-to-be-seen"}
    with app(tmp_path / "log", **settings) as base, page_with(camera.flags(cycling)) as page:
        page.add_init_script(NO_WAY)
        page.goto(f"{base}/webcam")
        camera.start(page)
        expect(page.get_by_text("no network path was found")).to_be_visible()
        assert "not-to-be-seen" not in page.locator("body").inner_text()
    assert "not-to-be-seen" not in (tmp_path / "log").read_text()


def test_plain_http_is_told_in_words(watched, page_with, cycling):
    base, _ = watched
    with page_with([*camera.flags(cycling), "--host-resolver-rules=MAP camera.test 127.0.0.1"]) as page:
        page.goto(f"{base.replace('127.0.0.1', 'camera.test')}/webcam")
        expect(page.get_by_text("Browsers allow cameras only on pages that came over HTTPS")).to_be_visible()
        page.get_by_role("link", name="Upload photos").click()
        expect(page.get_by_role("heading", name="Photos")).to_be_visible()


def test_a_snapshot_is_answered(watched, page_with, cycling):
    base, _ = watched
    with page_with(camera.flags(cycling), width=390) as page:
        page.goto(f"{base}/webcam?camera=Snapshot")
        page.wait_for_function(IS_BRIGHT)
        page.get_by_role("button", name="Take Photo").click()
        see(page)
        page.get_by_text("Where it looked").click()
        expect(page.get_by_text("Bright: speaks for")).to_be_visible()
        page.wait_for_function("document.documentElement.scrollWidth <= 390")


def test_on_a_phone_nothing_is_wider_than_the_screen(watched, page_with, cycling):
    base, _ = watched
    with page_with(camera.flags(cycling), width=390) as page:
        page.goto(f"{base}/webcam")
        camera.start(page)
        see(page)
        page.wait_for_function("document.documentElement.scrollWidth <= 390")
