"""The page Webcam, as far as it goes without a browser; tests/e2e/test_webcam.py has the rest."""

import threading
from types import SimpleNamespace

import av
import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit_webrtc.component import WebRtcStreamerState

from har_core import feedback
from har_core.config import PROJECT_ROOT
from har_ui import recognition
from har_ui.webcam import live
from tests.conftest import EXAMPLES
from tests.waiting import until


@pytest.fixture
def stream(monkeypatch):
    """Stands in for the stream, which needs a browser; a test sets how it stands."""
    found = SimpleNamespace(state=WebRtcStreamerState(playing=False, signalling=False), error=None)

    def begin(key, **_):
        st.session_state[key] = SimpleNamespace(state=found.state, _get_worker=lambda: None)
        if found.error:
            error, found.error = found.error, None
            found.state = WebRtcStreamerState(playing=False, signalling=False)  # The browser's side begins anew.
            raise error
        return st.session_state[key]

    monkeypatch.setattr(live, "webrtc_streamer", begin)
    return found


@pytest.fixture
def at(monkeypatch, stream):  # noqa: ARG001
    """Opens the page as if from an address."""

    def open_page(url="http://localhost:8501/Webcam") -> AppTest:
        monkeypatch.setattr("streamlit.runtime.context.ContextProxy.url", url)
        found = AppTest.from_file(str(PROJECT_ROOT / "Home.py"), default_timeout=240)
        found.switch_page("pages/webcam.py").run()
        assert not found.exception
        return found

    return open_page


def texts(app) -> str:
    return " ".join(str(item.value) for kind in (app.markdown, app.caption, app.info, app.error) for item in kind)


def session_of(app):
    return app.session_state["webcam-session"]


def show_the_camera(app, name="cycling.jpg"):
    """As the stream would."""
    session = session_of(app)
    session.begin()
    image = np.asarray(Image.open(EXAMPLES / name).convert("RGB").resize((640, 480)))

    def is_answered():
        session.receive(av.VideoFrame.from_ndarray(image, format="rgb24"))
        return session.result is not None and session.record.runs()[-1].seconds

    until(is_answered)
    return session


def button(app, label):
    return next(item for item in app.button if item.label == label)


def test_before_the_camera_starts_there_is_nothing_but_the_controls(at):
    app = at()
    assert [toggle.label for toggle in app.toggle] == ["Mirror"]
    assert [slider.label for slider in app.slider] == ["Sure from", "Frames a second, at most"]
    assert not app.error
    assert not [thread for thread in threading.enumerate() if thread.name == "webcam"]


def test_what_was_seen_is_shown_and_stays_after_the_stop(at):
    app = at()
    session = show_the_camera(app)
    app.run()
    assert app.header[0].value.startswith("cycling")
    session.end()
    app.run()
    assert not app.exception
    assert not app.header
    assert app.dataframe[0].value["action"].tolist() == ["cycling"]


def test_controls_reach_the_session_at_once(at):
    app = at()
    session = session_of(app)
    assert session.controls.is_mirrored
    app.toggle[0].set_value(False).run()
    app.slider[0].set_value(99).run()
    app.slider[1].set_value(7).run()
    assert session_of(app) is session
    assert (session.controls.is_mirrored, session.controls.threshold, session.controls.rate) == (False, 0.99, 7)


def test_the_model_that_is_chosen_is_asked_and_brings_its_own_threshold(at):
    app = at()
    session = session_of(app)
    of_everyday = session.controls.threshold
    app.segmented_control[0].set_value("sports").run()
    assert not app.exception
    assert session.controls.predictor().bundle.info.name == "sports"
    assert session.controls.threshold == pytest.approx(
        session.controls.predictor().bundle.info.thresholds.confidence, abs=0.006
    )
    assert of_everyday != session.controls.threshold


def test_a_frame_is_kept_only_when_somebody_says_what_it_is(at):
    app = at()
    assert button(app, "Keep this frame").disabled
    session = show_the_camera(app)
    app.run()
    button(app, "Keep this frame").click().run()
    session.end()
    assert "keeps this photo, at most 1024 px and without its metadata" in texts(app)
    assert feedback.entries() == []
    app.selectbox[0].set_value("walking").run()
    button(app, "Keep").click().run()
    (entry,) = feedback.entries()
    assert (entry.label, entry.predicted, entry.source) == ("walking", "cycling", "app")


def test_where_feedback_is_off_no_frame_can_be_kept(at, use_setting):
    use_setting("FEEDBACK", "false")
    assert "Keep this frame" not in [item.label for item in at().button]


@pytest.mark.parametrize("section", ["Live", "Snapshot"])
def test_plain_http_is_told_before_anything_is_started(at, section):
    app = at("http://192.168.1.20:8501/Webcam")
    app.segmented_control(key="camera").set_value(section).run()
    (error,) = app.error
    assert "HTTPS" in error.value
    assert not app.toggle


def test_a_snapshot_is_answered_and_can_be_corrected(at, monkeypatch):
    taken = recognition.examples()[0].payload
    monkeypatch.setattr("streamlit.camera_input", lambda *_, **__: type("Taken", (), {"getvalue": lambda _: taken})())
    app = at()
    app.segmented_control(key="camera").set_value("Snapshot").run()
    assert not app.exception
    assert "## cycling" in texts(app)
    assert app.toggle[0].label == "Where it looked"
    assert button(app, "Right")


def test_a_stream_that_cannot_begin_is_told_in_words(at, stream):
    app = at()
    stream.error = TimeoutError("turn:user:not-to-be-seen@host")
    stream.state = WebRtcStreamerState(playing=False, signalling=True)
    app.run()
    assert not app.exception
    assert "no network path was found" in texts(app)
    assert "not-to-be-seen" not in texts(app)
