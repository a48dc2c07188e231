"""The page Video, run by Streamlit's own test harness."""

import csv
import io
import json
import signal
import subprocess

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from har_core.predictor import ModelReference
from har_core.video.reading import VideoInfo
from har_core.video.recognition import VideoResult
from har_core.video.segments import Samples, Segment
from har_ui.video import desk, timeline
from har_ui.video.desk import Busy, Desk
from tests.core.video import clips
from tests.ui.apps import page_at
from tests.waiting import until


@pytest.fixture
def clip(tmp_path) -> bytes:
    """Four seconds of red, then four of blue."""
    images = [clips.plain(colour) for colour in (clips.RED, clips.BLUE) for _ in range(16)]
    return clips.write(tmp_path / "clip.mp4", images, rate=4).read_bytes()


@pytest.fixture
def endless(monkeypatch):
    """Each recognition that begins is halted at once: on any machine, it lasts until it is stopped."""
    start = subprocess.Popen

    def halted(*arguments, **options):
        process = start(*arguments, **options)
        process.send_signal(signal.SIGSTOP)
        return process

    monkeypatch.setattr(subprocess, "Popen", halted)


@pytest.fixture
def app(made):
    import streamlit

    made(1)
    streamlit.cache_resource.clear()
    opened = page_at("pages/video.py").run()
    assert not opened.exception
    yield opened
    opened.session_state["video-desk"].close()
    streamlit.cache_resource.clear()


def texts(app: AppTest) -> str:
    shown = (app.markdown, app.caption, app.info, app.error, app.warning, app.header)
    return " ".join(str(element.value) for kind in shown for element in kind)


def button(app, label: str):
    return next(item for item in app.button if item.label == label)


def upload(app: AppTest, name: str, content: bytes, wait=True) -> AppTest:
    app.file_uploader[0].upload(name, content, "video/mp4").run()
    return finished(app) if wait else app


def finished(app: AppTest) -> AppTest:
    until(lambda: app.session_state["video-desk"].work.state() != "running")
    app.run()
    assert not app.exception
    return app


def test_the_page_begins_with_what_it_does(app):
    assert "3 actions: red · green · blue" in texts(app)


def test_a_video_is_answered_with_its_segments(app, clip):
    upload(app, "my *clip*.mp4", clip)
    assert r"my \*clip\*\.mp4" in texts(app)
    assert {metric.label: metric.value for metric in app.metric} == {
        "Length": "0:08.0",
        "Actions": "2",
        "Sure of": "100%",
        "Pictures looked at": "16",
    }
    table = app.dataframe[0].value
    assert table[["start", "end", "action", "decision"]].values.tolist() == [
        ["0:00.0", "0:03.8", "red", "sure"],
        ["0:03.8", "0:08.0", "blue", "sure"],
    ]
    assert "**red** :green-badge" in texts(app)


def test_another_rate_is_tried_on_the_same_video(app, clip):
    upload(app, "clip.mp4", clip)
    app.selectbox[0].set_value(5.0).run()
    button(app, "Look again").click().run()
    finished(app)
    assert {metric.label: metric.value for metric in app.metric}["Pictures looked at"] == "32"
    assert "Look again" not in [item.label for item in app.button]


def test_what_is_no_video_is_said_in_words(app):
    upload(app, "broken.mp4", b"no video at all" * 50)
    assert "The file is not a video" in app.error[0].value.replace("\\", "")
    assert not app.metric


@pytest.mark.usefixtures("endless")
def test_a_video_can_be_stopped(app, clip):
    upload(app, "clip.mp4", clip, wait=False)
    assert not app.exception
    button(app, "Stop").click().run()
    assert not app.exception
    assert "Stopped looking at" in texts(app)
    assert button(app, "Look again")


@pytest.fixture
def new_desk():
    desks = []

    def make() -> Desk:
        desks.append(Desk())
        return desks[-1]

    yield make
    for each in desks:
        each.close()


@pytest.mark.usefixtures("endless")
def test_files_go_when_they_are_replaced_and_when_the_visitor_leaves(new_desk, tiny_bundle, clip, monkeypatch):
    monkeypatch.setattr(desk, "GRACE_SECONDS", 0.2)
    mine = new_desk()
    mine.bring(io.BytesIO(clip), "first", tiny_bundle, 10)
    first = mine.work
    mine.bring(io.BytesIO(clip), "clip", tiny_bundle, 2)
    assert first.state() == "stopped"
    assert not first.folder.exists()
    second = mine.work
    mine.leave()
    mine.stay()
    mine._end.join()
    assert second.folder.exists()
    mine.leave()
    until(lambda: mine.work is None)
    assert not second.folder.exists()


@pytest.mark.usefixtures("endless")
def test_only_so_many_videos_are_looked_at_at_a_time(new_desk, tiny_bundle, clip):
    desks = [new_desk() for _ in range(desk.MOST_AT_A_TIME + 1)]
    for each in desks[:-1]:
        each.bring(io.BytesIO(clip), "clip", tiny_bundle, 10)
    with pytest.raises(Busy):
        desks[-1].bring(io.BytesIO(clip), "clip", tiny_bundle, 10)
    assert desks[-1].work is None
    desks[0].bring(io.BytesIO(clip), "another", tiny_bundle, 10)  # One's own makes room.
    desks[0].close()
    desks[-1].bring(io.BytesIO(clip), "clip", tiny_bundle, 10)


@pytest.fixture
def result() -> VideoResult:
    return VideoResult(
        info=VideoInfo(7300.0, 640, 480, "h264", 30.0),
        samples=Samples([0.0, 1.0], np.full((2, 2), 0.5, np.float32), np.ones(2, bool), ["a_b", "=c"], 7300.0),
        segments=[
            Segment(0, 7000, "a_b", 0.9, "sure"),
            Segment(7000, 7001, "=c", 0.4, "unsure"),
            Segment(7001, 7300, "a_b", 0.8, "sure"),
        ],
        threshold=0.7,
        notes=[],
        model=ModelReference("tiny", 1),
    )


def test_the_timeline_has_a_row_for_each_action_and_shows_the_shortest_segment(result):
    figure = timeline.figure(result, ["=c", "a_b"])
    (bars,) = figure.data
    assert list(bars.y) == ["a b", "=c", "a b"]
    assert list(bars.base) == [0, 7000, 7001]
    assert min(bars.x) > 10
    assert list(figure.layout.yaxis.categoryarray) == ["a b", "=c"]
    assert 3 <= len(figure.layout.xaxis.tickvals) <= 7
    assert figure.layout.xaxis.ticktext[-1] == "2:00:00"


def test_downloads_carry_every_segment_and_no_formula(result):
    rows = list(csv.DictReader(io.StringIO(timeline.to_csv(result))))
    assert [(row["start"], row["label"], row["decision"]) for row in rows] == [
        ("0", "a_b", "sure"),
        ("7000", "'=c", "unsure"),
        ("7001", "a_b", "sure"),
    ]
    row = json.loads(timeline.to_json("clip.mp4", result))
    assert set(row) == {"path", "segments", "duration", "model"}
    assert row["segments"][1] == {
        "start": 7000,
        "end": 7001,
        "label": "=c",
        "confidence": 0.4,
        "decision": "unsure",
    }
