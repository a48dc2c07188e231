import io
import os
import signal
import subprocess
import sys

import pytest
from PIL import Image

from har_core.config import PROJECT_ROOT
from har_core.video.work import CLIP, Work
from tests.core.video import clips
from tests.waiting import until


@pytest.fixture
def start(tmp_path, tiny_bundle):
    """Starts a work on a clip that a function writes."""
    works = []

    def begin(write, rate=2.0) -> Work:
        folder = tmp_path / f"work-{len(works)}"
        folder.mkdir()
        write(tmp_path / "new.mkv").rename(folder / CLIP)
        works.append(Work(folder, "clip", tiny_bundle, rate))
        return works[-1]

    yield begin
    for work in works:
        work.stop()


def two_actions(path):
    return clips.write(path, [clips.plain(c) for c in (clips.RED, clips.BLUE) for _ in range(20)], rate=5)


def long(path):
    return clips.write(path, (clips.plain(clips.RED) for _ in range(3000)), rate=2, codec="mpeg4")


def test_the_answer_comes_with_a_picture_of_each_segment(start):
    work = start(two_actions)
    until(lambda: work.state() != "running")
    assert work.state() == "done"
    result = work.result()
    assert [(item.label, item.decision) for item in result.segments] == [("red", "sure"), ("blue", "sure")]
    assert result.samples.probabilities.shape == (16, 3)
    colours = [Image.open(io.BytesIO(work.picture(number))).convert("RGB").getpixel((5, 5)) for number in (0, 1)]
    assert colours[0] == pytest.approx(clips.RED, abs=20)
    assert colours[1] == pytest.approx(clips.BLUE, abs=20)
    assert work.picture(2) is None
    assert sorted(path.name for path in work.folder.iterdir()) == [
        "0.jpg",
        "1.jpg",
        CLIP,
        "progress.json",
        "result.json",
    ]


def test_how_far_it_is_can_be_seen_and_it_can_be_stopped(start):
    work = start(long, rate=10)
    until(lambda: work.progress()[0] > 0)
    done, total = work.progress()
    assert 0 < done < total == 1500
    work.stop()
    assert work.state() == "stopped"
    assert not (work.folder / "result.json").exists()


def test_a_file_that_is_no_video_fails_in_words(start):
    def write(path):
        path.write_bytes(b"no video at all" * 100)
        return path

    work = start(write)
    until(lambda: work.state() != "running")
    assert work.state() == "failed"
    code, sentence = work.error()
    assert code == "not_a_video"
    assert "not a video" in sentence


@pytest.mark.parametrize(("number", "words"), [(signal.SIGSEGV, "broke down"), (signal.SIGXCPU, "longer to decode")])
def test_a_crash_of_the_decoder_takes_nothing_along(start, number, words):
    work = start(long, rate=10)
    until(lambda: work.progress()[0] > 0)
    os.kill(work._process.pid, number)
    until(lambda: work.state() != "running")
    assert work.state() == "failed"
    assert work.error()[0] == "video_failed"
    assert words in work.error()[1]


def test_it_ends_with_the_process_that_started_it(tmp_path, tiny_bundle):
    folder = tmp_path / "work"
    folder.mkdir()
    long(tmp_path / "new.mkv").rename(folder / CLIP)
    program = (
        "import os, sys, time\nfrom pathlib import Path\nfrom har_core.bundle import Bundle\n"
        "from har_core.video.work import Work\n"
        f"work = Work(Path({str(folder)!r}), 'clip', Bundle(Path({str(tiny_bundle.folder)!r})), 10)\n"
        "while not work.progress()[0]: time.sleep(0.05)\n"
        "print(work._process.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, cwd=PROJECT_ROOT, check=False, timeout=240
    )
    pid = int(done.stdout)

    def is_gone():
        try:
            with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    until(is_gone)
