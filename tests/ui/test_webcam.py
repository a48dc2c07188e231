"""What stands between a camera's stream and the page, without a browser."""

import threading
from dataclasses import replace

import av
import numpy as np
import pytest

from har_core.config import settings
from har_core.errors import SettingsInvalid
from har_core.predictor import Predictor, Score
from har_ui.webcam import connection, ice, overlay, timeline
from har_ui.webcam.classifier import Classifier, Controls, Frame, Result, Slot
from har_ui.webcam.connection import CONNECT_SECONDS, Watchdog
from har_ui.webcam.session import LiveSession
from har_ui.webcam.timeline import Record
from tests.bundles import variant
from tests.conftest import TINY_LABELS
from tests.waiting import until

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def picture(colour="red", height=48, width=64):
    return np.full((height, width, 3), COLOURS[colour], np.uint8)


def frame(colour="red", **size) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture(colour, **size), format="rgb24")


@pytest.fixture
def session(tiny):
    found = LiveSession(Controls(lambda: tiny, rate=1000, is_mirrored=False))
    yield found
    found.end()


@pytest.fixture
def answer():
    top = (Score("red", 0.8), Score("green", 0.15), Score("blue", 0.05))
    return Result(Frame(picture(), 0.0), top, "sure", 0.7, "tiny@1")


def classifier_threads():
    return [thread for thread in threading.enumerate() if thread.name == "webcam"]


# The slot and the classifier


def test_a_slot_holds_the_newest_alone():
    slot = Slot()
    for number in range(5):
        slot.put(number)
    assert slot.take(1) == 4
    assert slot.take(0) is None


def test_while_one_frame_is_classified_the_others_are_dropped_but_for_the_newest(tiny):
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        assert go_on.wait(30)
        return tiny

    classifier = Classifier(Controls(slow, rate=1000), lambda result: seen.append(result.frame.arrived))
    classifier.offer(Frame(picture(), 0.0))
    assert begun.wait(30)
    for moment in (1.0, 2.0, 3.0):
        classifier.offer(Frame(picture(), moment))
    go_on.set()
    until(lambda: len(seen) == 2)
    classifier.stop()
    assert seen == [0.0, 3.0]


def test_the_thread_ends_by_itself_when_no_frame_comes_and_begins_again(tiny):
    seen = []
    classifier = Classifier(Controls(lambda: tiny, rate=1000), seen.append, idle=0.01)
    classifier.offer(Frame(picture(), 0.0))
    until(lambda: len(seen) == 1 and not classifier_threads())
    classifier.offer(Frame(picture(), 1.0))
    until(lambda: len(seen) == 2)
    classifier.stop()
    until(lambda: not classifier_threads())


def test_a_model_that_fails_stops_neither_the_thread_nor_the_picture(tiny, session, monkeypatch):
    monkeypatch.setattr("har_ui.webcam.classifier._RETRY_SECONDS", 0.0)
    session.controls.predictor = lambda: (_ for _ in ()).throw(RuntimeError("the model is gone"))
    assert session.receive(frame()).width == 64
    until(lambda: session.problem == "the model is gone")
    session.controls.predictor = lambda: tiny
    session.receive(frame())
    until(lambda: session.result is not None and session.problem is None)


def test_another_model_put_into_service_answers_the_next_frame(tiny_bundle, tmp_path, session):
    other = Predictor(variant(tiny_bundle, tmp_path / "other", version=2), threads=1)
    session.receive(frame())
    until(lambda: session.result is not None and session.result.model == "tiny@1")
    session.controls.predictor = lambda: other
    session.receive(frame())
    until(lambda: session.result.model == "tiny@2")


def test_the_threshold_and_the_smoothing_decide(session):
    session.receive(frame("red"))
    until(lambda: session.result is not None)
    assert session.result.top[0].label == "red"
    assert session.result.decision == "sure"
    session.controls.threshold = 1.1
    session.receive(frame("blue"))
    until(lambda: session.result.decision == "unsure")
    assert session.result.top[0].label == "red"  # One frame among others does not change the label.
    assert sum(item.score for item in session.result.top) == pytest.approx(1, abs=1e-5)


# The session


def test_a_mirror_turns_what_is_shown_and_not_what_is_classified(session):
    half = np.hstack([picture("red", width=32), picture("blue", width=32)])
    session.controls.predictor = lambda: (_ for _ in ()).throw(RuntimeError)  # So that nothing is drawn over it.
    session.controls.is_mirrored = True
    shown = session.receive(av.VideoFrame.from_ndarray(half, format="rgb24")).to_ndarray(format="rgb24")
    assert shown[0, 0].tolist() == [0, 0, 255]
    assert shown[0, -1].tolist() == [255, 0, 0]


def test_a_frame_can_be_taken_out_as_the_camera_gave_it(session):
    session.controls.is_mirrored = True
    assert session.photo() is None
    session.receive(frame("green"))
    until(lambda: session.result is not None)
    assert session.photo()[:2] == b"\xff\xd8"
    assert (session.result.frame.image == picture("green")).all()


def test_the_next_start_begins_a_new_record(session):
    session.receive(frame("red"))
    until(session.record.runs)
    session.end()
    assert [run.label for run in session.record.runs()] == ["red"]
    assert not session.is_running
    session.receive(frame("blue"))  # One that was still on its way.
    assert [run.label for run in session.record.runs()] == ["red"]
    session.begin()
    assert not session.is_running
    session.receive(frame("blue"))
    assert session.is_running
    until(lambda: [run.label for run in session.record.runs()] == ["blue"])


def test_figures_count_whole_seconds(session):
    assert session.figures() is None
    session._done.extend([0.0, 0.5, 1.1, 1.2, 1.3, 2.5, 3.2])
    session._ages.extend([0.01] * 95 + [0.2] * 5)
    figures = session.figures()
    assert (figures.seconds, figures.rate, figures.least_rate) == (2, 2, 1)
    assert figures.age == pytest.approx(10)


# The overlay


def test_the_overlay_is_laid_on_the_picture_in_place(answer):
    shown = np.full((480, 640, 3), 200, np.uint8)
    panel = overlay.panel(answer, TINY_LABELS, 20, 480)
    overlay.lay(panel, shown)
    height, width = panel.shape[:2]
    assert (shown[:-height] == 200).all()
    assert (shown[:, width:] == 200).all()
    corner = shown[-height:, :width]
    assert corner.min() == 50  # Dimmed, so that light text can be read on a light picture.
    assert corner.max() == 255


def test_the_overlay_says_whether_it_is_sure_and_how_much(answer):
    sure = overlay.panel(answer, TINY_LABELS, 20, 480)
    unsure = overlay.panel(replace(answer, decision="unsure"), TINY_LABELS, 20, 480)
    less = overlay.panel(replace(answer, top=(Score("red", 0.2), *answer.top[1:])), TINY_LABELS, 20, 480)
    assert (sure != unsure).any()
    assert less.astype(int).sum() < sure.astype(int).sum()


@pytest.mark.parametrize("size", [(16, 16), (90, 160), (640, 360), (1080, 1920)])
def test_the_overlay_fits_any_picture(answer, size):
    shown = np.zeros((*size, 3), np.uint8)
    overlay.lay(overlay.panel(answer, TINY_LABELS, 20, min(size)), shown)
    assert shown.shape == (*size, 3)


def test_labels_in_any_script_are_drawn(answer):
    strange = replace(answer, top=(Score("自転車に乗る" * 9, 0.9), Score("<b>", 0.1)))
    assert overlay.panel(strange, TINY_LABELS, 20, 480).any()


# What was seen over time


def recorded(*frames):
    record = Record()
    for seconds, label, is_sure in frames:
        record.add(seconds, label, 0.8 if is_sure else 0.4, is_sure, "tiny@1")
    return record.runs()


def test_runs_join_frames_and_leave_holes():
    runs = recorded((0, "run", True), (1, "run", True), (2, "sit", False), (3, "sit", False), (9, "sit", True))
    assert [(run.label, run.start, run.end) for run in runs] == [("run", 0, 1), ("sit", 1, 3), ("sit", 9, 9)]
    assert [run.sure_seconds for run in runs] == [1, 0, 0]
    assert runs[1].confidence == pytest.approx(0.4)


def test_a_record_of_a_very_long_session_is_bounded():
    record = Record()
    for second in range(5000):
        record.add(second, f"label {second % 2}", 0.5, False, "tiny@1")
    assert len(record.runs()) == timeline._MOST_RUNS
    assert record.runs()[-1].end == 4999


def test_seconds_per_action():
    table = timeline.per_action(
        recorded((0, "sit_up", True), (1, "run", True), (2, "sit_up", False), (4, "sit_up", True))
    )
    assert table.to_dict("records") == [
        {"action": "sit up", "seconds": 3.0, "sure_seconds": 2.0},
        {"action": "run", "seconds": 1.0, "sure_seconds": 1.0},
    ]


def test_csv_is_safe_to_open():
    lines = timeline.to_csv(recorded((0, "=cmd()", True), (1, "=cmd()", True))).splitlines()
    assert lines == ["start,end,action,confidence,sure_seconds,model", "0.00,1.00,'=cmd(),0.8000,1.00,tiny@1"]


def test_the_chart_tells_sure_from_unsure():
    (bars,) = timeline.figure(
        recorded((0, "run", True), (1, "run", True), (2, "sit", False), (3, "sit", False)), ["run", "sit"]
    ).data
    assert list(bars.y) == ["run", "sit"]
    assert list(bars.base) == [0, 1]
    assert len(set(bars.marker.color)) == 2
    assert list(bars.marker.pattern.shape) == ["", "/"]
    assert timeline.figure([], []).layout.height > 0


# The way between browser and app


def test_no_public_server_is_asked_by_default():
    assert ice.configuration() == {"iceServers": []}


@pytest.mark.parametrize(
    "value", ["stun:a.example:3478, turn:b.example:3478", '["stun:a.example:3478", "turn:b.example:3478"]']
)
def test_ice_servers_from_the_environment(use_setting, value):
    use_setting("TURN_USER", "me")
    use_setting("TURN_SECRET", "not-to-be-seen")
    use_setting("ICE_SERVERS", value)
    stun, turn = ice.configuration()["iceServers"]
    assert stun == {"urls": ["stun:a.example:3478"]}
    assert turn["urls"] == ["turn:b.example:3478"]
    assert "not-to-be-seen" not in f"{settings()!r} {settings()} {turn}"


def test_turn_servers_get_a_password_that_expires(use_setting, monkeypatch):
    use_setting("TURN_USER", "me")
    use_setting("TURN_SECRET", "north")
    use_setting("ICE_SERVERS", "turn:b.example:3478")
    monkeypatch.setattr(ice.time, "time", lambda: 3600.0 * 10 + 1)
    (turn,) = ice.configuration()["iceServers"]
    # printf 43200:me | openssl dgst -sha1 -hmac north -binary | base64
    assert (turn["username"], turn["credential"]) == ("43200:me", "h3NfUBA1NqtJg8ykxYbBiGp0W9k=")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("http://a.example", "begins with none of stun:"),
        ("turn:a.example", "HAR_TURN_USER and HAR_TURN_SECRET"),
        ('["stun:a.example"', "no JSON list"),
        ("[1]", "string"),
    ],
)
def test_settings_that_cannot_work_are_told(use_setting, value, why):
    use_setting("TURN_SECRET", "not-to-be-seen")
    use_setting("ICE_SERVERS", value)
    with pytest.raises(SettingsInvalid, match="HAR_ICE_SERVERS") as caught:
        settings()
    assert why in str(caught.value)
    assert "not-to-be-seen" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://har.example/Webcam", True),
        ("http://localhost:8501/Webcam", True),
        ("http://127.0.0.1:8501/Webcam", True),
        ("http://[::1]:8501/Webcam", True),
        ("http://192.168.1.20:8501/Webcam", False),
        ("http://har.example/Webcam", False),
        ("http://localhost.example/Webcam", False),
        ("", False),
    ],
)
def test_where_browsers_allow_cameras(url, allowed):
    assert connection.is_secure(url) is allowed


def test_the_watchdog_barks_when_no_picture_comes():
    watchdog = Watchdog()
    watchdog.look(True, False, 100.0)
    watchdog.look(True, False, 99.9 + CONNECT_SECONDS)
    assert not watchdog.has_failed
    watchdog.look(True, False, 100.0 + CONNECT_SECONDS)
    assert watchdog.has_failed
    watchdog.look(False, False, 200.0)  # The browser has given up; what was said stays.
    assert watchdog.has_failed
    watchdog.look(True, False, 300.0)
    assert not watchdog.has_failed
    watchdog.look(True, True, 400.0)
    assert not watchdog.has_failed


@pytest.mark.parametrize(
    "failure", ["NotAllowedError", "NotFoundError", "NotReadableError", "SecurityError", "AbortError"]
)
def test_each_failure_of_a_camera_is_told_with_what_to_do(failure):
    assert "press Start again" in connection.camera_words(failure)


def test_an_unknown_failure_is_told_by_its_name():
    assert "StrangeError" in connection.camera_words("StrangeError")
