"""``har predict`` on videos."""

import json
import shutil

import pytest

from har_core import video
from tests.cli.test_predict import rows
from tests.core.video import clips


@pytest.fixture
def clip(tmp_path):
    """Four seconds of red, then four of blue."""
    images = [clips.plain(colour) for colour in (clips.RED, clips.BLUE) for _ in range(16)]
    return clips.write(tmp_path / "clip.mp4", images, rate=4)


def test_json_gives_the_segments_of_a_video(har, clip):
    code, out, err = har("predict", clip, "--json")
    assert (code, err) == (0, "")
    (row,) = rows(out)
    assert set(row) == {"path", "segments", "duration", "model"}
    assert (row["path"], row["duration"], row["model"]) == (str(clip), 8, {"name": "tiny", "version": 1})
    assert [set(item) for item in row["segments"]] == [{"start", "end", "label", "confidence", "decision"}] * 2
    assert [(item["start"], item["end"], item["label"]) for item in row["segments"]] == [
        (0, 3.75, "red"),
        (3.75, 8, "blue"),
    ]


def test_a_finer_rate_gives_finer_borders(har, clip):
    (row,) = rows(har("predict", clip, "--json", "--rate", 10)[1])
    assert row["segments"][0]["end"] == 3.875


def test_people_read_when_what_was_done(har, clip):
    code, out, _ = har("predict", clip)
    assert code == 0
    assert out.splitlines()[0] == f"{clip}: 0:08.0"
    assert "0:00.0 – 0:03.8  red" in out
    assert "(sure)" in out


def test_photos_and_videos_of_one_folder_are_answered_and_a_bad_one_is_named(har, clip, red):
    folder = clip.parent / "mixed"
    folder.mkdir()
    shutil.move(clip, folder / "a.mp4")
    shutil.move(red, folder / "b.png")
    (folder / "c.webm").write_bytes(b"no video at all")
    code, out, err = har("predict", folder, "--json")
    assert code == 1
    first, second, third = rows(out)
    assert len(first["segments"]) == 2
    assert second["label"] == "red"
    assert third["error"]["code"] == "not_a_video"
    assert "c.webm" in err
    assert "Traceback" not in err


def test_what_was_wrong_with_a_video_is_said_beside_its_answer(har, clip):
    whole = clips.write(clip.parent / "whole.mp4", [clips.plain(clips.RED)] * 200, movflags="faststart")
    content = whole.read_bytes()
    whole.write_bytes(content[: content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2])
    code, out, err = har("predict", whole, "--json")
    assert code == 0
    assert json.loads(out)["segments"][0]["label"] == "red"
    assert "cut off" in err


@pytest.mark.parametrize("args", [["--explain", "o.png"], ["--rate", "0"], ["--rate", "1000"]])
def test_wrong_usage_exits_with_2(har, clip, args):
    assert har("predict", clip, *args)[0] == 2


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (62.54, "1:02.5"), (59.99, "1:00.0"), (3605, "1:00:05.0")]
)
def test_moments_are_written_as_players_show_them(seconds, text):
    assert video.clock(seconds) == text
