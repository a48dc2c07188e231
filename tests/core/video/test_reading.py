"""Videos of all kinds, good, odd and hostile, as a stranger may send them."""

import io
import os
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from har_core.config import PROJECT_ROOT
from har_core.errors import (
    CorruptVideo,
    FileUnreadable,
    NotAVideo,
    NoVideoStream,
    TooManyVideoPixels,
    UnsupportedVideo,
    VideoError,
    VideoTooLarge,
)
from har_core.video import reading
from tests.core.video import clips

COLOURS = [clips.RED, clips.GREEN, clips.BLUE]


def read(source, rate=2.0):
    with reading.opened(source) as video:
        return video, list(video.frames(rate))


def closest(image: np.ndarray) -> int:
    """Which of red, green and blue an image is."""
    return int(image.reshape(-1, 3).mean(0).argmax())


@pytest.fixture
def clip(tmp_path):
    """Three seconds: red, green, blue."""
    images = [clips.plain(colour) for colour in COLOURS for _ in range(10)]
    return lambda name, **how: clips.write(tmp_path / name, images, **how)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [*clips.CODECS.items(), (".mp4", "libx265"), (".mov", "mjpeg"), (".3gp", "mpeg4")],
)
def test_every_format_gives_upright_rgb_pictures_at_the_times_asked_for(clip, suffix, codec):
    video, frames = read(clip(f"clip{suffix}", codec=codec))
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=0.002)
    assert [closest(frame.image) for frame in frames] == [0, 0, 1, 1, 2, 2]
    assert frames[0].image.shape == (64, 96, 3)
    assert frames[0].image.dtype == np.uint8
    assert video.end == pytest.approx(3, abs=0.01)
    assert video.notes == []
    assert (video.info.width, video.info.height) == (96, 64)


def test_a_file_object_is_read_like_a_path(clip):
    path = clip("clip.mp4")
    _, frames = read(io.BytesIO(path.read_bytes()))
    assert len(frames) == 6


@pytest.mark.parametrize(("rate", "number"), [(0.1, 1), (1, 3), (3, 9), (10, 30), (1000, 30)])
def test_a_rate_gives_that_many_pictures_and_never_more_than_there_are(clip, rate, number):
    assert len(read(clip("clip.mp4"), rate)[1]) == number


@pytest.mark.parametrize(("rate", "off"), [(1, 0.13), (2, 0.13), (10, 0.05), (30, 0.001)])
def test_pictures_that_others_do_not_need_may_be_left_out_but_no_sample_is_missing(tmp_path, rate, off):
    """With B frames; the red channel says which picture it is."""
    images = [clips.plain((4 * number % 256, 0, 0)) for number in range(120)]
    options = {"preset": "ultrafast", "bf": "16", "b_strategy": "0", "b-pyramid": "none", "threads": "1"}
    path = clips.write(tmp_path / "clip.mp4", images, rate=30, options=options)
    video, frames = read(path, rate)
    assert len(frames) >= 4 * rate - 1
    wanted = np.arange(len(frames)) / rate
    assert np.abs(np.array([frame.seconds for frame in frames]) - wanted)[3:].max() <= off
    for frame in frames:
        assert frame.image[..., 0].mean() == pytest.approx(4 * round(frame.seconds * 30) % 256, abs=12)
    assert video.end == pytest.approx(4, abs=0.05)


def test_a_varying_rate_is_followed_by_the_clock(tmp_path):
    times = [0, 0.1, 0.2, 0.3, 2.0, 2.1, 5.0, 5.4]
    path = clips.write(tmp_path / "phone.mp4", [clips.plain(clips.RED)] * len(times), times=times)
    assert [f.seconds for f in read(path, 1)[1]] == pytest.approx([0, 2.0, 5.0], abs=0.002)


def test_a_video_that_begins_late_begins_at_zero(tmp_path):
    path = clips.write(tmp_path / "late.mkv", [clips.plain(clips.RED)] * 20, times=np.arange(20) / 10 + 500)
    assert [f.seconds for f in read(path)[1]] == pytest.approx([0, 0.5, 1, 1.5], abs=0.002)


def test_a_header_of_zero_pictures_a_second_does_no_harm(clip):
    path = clip("clip.avi")
    content = bytearray(path.read_bytes())
    place = content.index(b"strh") + 8 + 20  # dwScale, dwRate
    content[place : place + 8] = bytes(8)
    main = content.index(b"avih") + 8
    content[main : main + 4] = bytes(4)
    path.write_bytes(content)
    video, frames = read(path)
    assert [closest(frame.image) for frame in frames] == sorted(closest(frame.image) for frame in frames)
    assert 1 <= len(frames) <= 30
    assert 0 < video.end < 5


@pytest.mark.parametrize(
    ("matrix", "size", "red", "blue"),
    [
        ((1, 0, 0, 1), (96, 64), "top left", "top right"),
        ((0, 1, -1, 0), (64, 96), "top right", "bottom right"),  # a phone held upright
        ((-1, 0, 0, -1), (96, 64), "bottom right", "bottom left"),
        ((0, -1, 1, 0), (64, 96), "bottom left", "top left"),
        ((-1, 0, 0, 1), (96, 64), "top right", "top left"),  # a mirrored selfie
        ((0, 1, 1, 0), (64, 96), "top left", "bottom left"),
        ((0, 0, 0, 0), (96, 64), "top left", "top right"),  # a broken matrix
    ],
)
def test_a_phone_s_video_is_turned_upright(tmp_path, matrix, size, red, blue):
    path = clips.turned(clips.write(tmp_path / "phone.mp4", [clips.corners()] * 5), matrix)
    image = read(path)[1][0].image
    assert image.shape == (size[1], size[0], 3)
    places = {"top left": (8, 8), "top right": (8, -8), "bottom left": (-8, 8), "bottom right": (-8, -8)}
    assert image[places[red]].tolist() == pytest.approx(clips.RED, abs=12)
    assert image[places[blue]].tolist() == pytest.approx(clips.BLUE, abs=12)
    assert sum(image[place].sum() > 60 for place in places.values()) == 2


def test_large_pictures_come_small_and_pixels_square(tmp_path):
    wide = clips.write(tmp_path / "wide.mp4", [clips.corners(1920, 1080)] * 2)
    assert read(wide)[1][0].image.shape == (360, 640, 3)
    with av.open(str(tmp_path / "dv.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for _ in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(clips.corners())))
        file.mux(stream.encode(None))
    assert read(tmp_path / "dv.mp4")[1][0].image.shape == (64, 192, 3)


def test_a_video_that_is_cut_off_gives_what_can_be_read_and_a_note(tmp_path):
    path = clips.write(tmp_path / "clip.mp4", [clips.plain(clips.RED)] * 200, movflags="faststart")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2])
    video, frames = read(path)
    assert 5 < frames[-1].seconds < 15
    assert any("cut off" in note for note in video.notes)


def test_a_damaged_middle_costs_only_itself(tmp_path):
    images = [np.random.default_rng(i).integers(0, 255, (64, 96, 3), np.uint8) for i in range(60)]
    path = clips.write(tmp_path / "clip.avi", images, codec="mjpeg")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40_000] = bytes(40_000)
    path.write_bytes(content)
    video, frames = read(path, 10)
    assert 20 <= len(frames) < 60
    assert video.notes


def test_names_in_another_encoding_do_no_harm(clip):
    path = clip("clip.mkv")
    path.write_bytes(path.read_bytes().replace(b"Lavf", b"\xff\xfe\xc3\x28"))
    assert len(read(path)[1]) == 6


def test_what_is_longer_than_the_limit_is_not_read(clip, use_setting):
    use_setting("MAX_VIDEO_SECONDS", 1.2)
    video, frames = read(clip("clip.mp4"))
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.5, 1], abs=0.002)
    assert "Only the first" in video.notes[0]


def test_a_wild_time_stamp_ends_the_reading(tmp_path):
    times = [0, 0.1, 0.2, 4_000_000, 4_000_000.1]
    path = clips.write(tmp_path / "wild.mkv", [clips.plain(clips.RED)] * 5, times=times)
    video, frames = read(path, 10)
    assert len(frames) == 3
    assert video.end < 1


def sound_only(path):
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        for _ in range(20):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def hls(path):
    other = clips.write(path.parent / "other.mp4", [clips.plain(clips.RED)] * 5)
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n")
    return path


def cut(path):
    """The index, at a plain MP4's end, is missing."""
    clips.write(path, [clips.corners()] * 30)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def garbled(path):
    """Good headers, and not one picture that can be decoded."""
    clips.write(path, [clips.corners()] * 30, codec="mjpeg", movflags="faststart")
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = bytes(len(content) - start)
    path.write_bytes(content)
    return path


def written(content: bytes):
    def write(path):
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (written(b""), NotAVideo, "empty"),
        (written(b"no video at all " * 100), NotAVideo, "not a video"),
        (written(b"\0\0\0\x20ftypisom" + bytes(64)), VideoError, "video"),
        (cut, NotAVideo, "index is missing"),
        (hls, NotAVideo, "not a video"),
        (sound_only, NoVideoStream, "only sound"),
        (garbled, CorruptVideo, "Not one picture"),
        (lambda p: clips.write(p.with_suffix(".mkv"), [clips.corners()] * 5, codec="ffv1"), UnsupportedVideo, "ffv1"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(tmp_path, make, error, words):
    with pytest.raises(error, match=words):
        read(make(tmp_path / "clip.mp4"))


def test_limits_are_kept_before_anything_is_decoded(clip, use_setting, tmp_path):
    path = clip("clip.mp4")
    use_setting("MAX_VIDEO_PIXELS", 96 * 64 - 1)
    with pytest.raises(TooManyVideoPixels, match="96 × 64"):
        read(path)
    use_setting("MAX_VIDEO_BYTES", 100)
    with pytest.raises(VideoTooLarge, match="MB"):
        read(path)
    with pytest.raises(FileUnreadable):
        read(tmp_path / "missing.mp4")
    with pytest.raises(FileUnreadable):
        read(tmp_path)


def test_an_error_of_whoever_reads_stays_what_it_is(clip):
    with pytest.raises(OSError, match="disk full"), reading.opened(clip("clip.mp4")):
        raise OSError(28, "disk full")


def test_a_picture_that_outgrows_its_header_ends_the_reading(tmp_path, use_setting):
    small = clips.write(tmp_path / "small.avi", [clips.corners(96, 64)] * 10, codec="mjpeg")
    large = clips.write(tmp_path / "large.avi", [clips.corners(640, 480)] * 10, codec="mjpeg")
    # The header of the one, the pictures of the other.
    first, second = small.read_bytes(), large.read_bytes()
    for magic, width, height in ((b"avih", 32, 36), (b"strf", 4, 8)):
        place, theirs = second.index(magic) + 8, first.index(magic) + 8
        content = bytearray(second)
        for offset in (width, height):
            content[place + offset : place + offset + 4] = first[theirs + offset : theirs + offset + 4]
        second = bytes(content)
    large.write_bytes(second)
    use_setting("MAX_VIDEO_PIXELS", 100_000)
    with pytest.raises(TooManyVideoPixels, match="640 × 480"):
        read(large)


_FUZZ = """
import io, random, sys
from pathlib import Path
from har_core.errors import HarError
from har_core.video import reading
seed = 0
for path in map(Path, sys.argv[2:]):
    content = path.read_bytes()
    for seed in range(int(sys.argv[1])):
        dice, spoilt = random.Random(seed), bytearray(content)
        for _ in range(dice.choice([1, 3, 10, 50])):
            place = dice.randrange(min(len(spoilt), dice.choice([1000, len(spoilt), len(spoilt)])))
            if dice.random() < 0.8:
                spoilt[place] = dice.choice([0, 1, 127, 128, 255, dice.randrange(256)])
            else:
                del spoilt[place : place + dice.randrange(1, 64)]
        print(path.suffix, seed, end=" ", flush=True)
        try:
            with reading.opened(io.BytesIO(bytes(spoilt))) as video:
                for frame in video.frames(5):
                    assert frame.image.ndim == 3 and frame.image.shape[2] == 3 and max(frame.image.shape) <= 640 * 4
            print("read", len(video.notes), flush=True)
        except HarError as error:
            print(error.code, flush=True)
"""


def test_spoilt_files_are_read_or_refused_but_never_break_the_reader(clip):
    """A few hundred mutations; more of them: HAR_FUZZ=750 for each of the four formats."""
    each = os.environ.get("HAR_FUZZ", "60")
    files = [clip(f"clip{suffix}") for suffix in (".mp4", ".webm", ".avi", ".mov")]
    done = subprocess.run(
        [sys.executable, "-c", _FUZZ, each, *map(str, files)],
        capture_output=True, text=True, cwd=PROJECT_ROOT, check=False,
    )  # fmt: skip
    outcomes = [line.split()[2] for line in done.stdout.splitlines()]
    assert done.returncode == 0, (done.stdout[-200:], done.stderr[-3000:])
    assert len(outcomes) == int(each) * len(files)
    assert len(set(outcomes)) >= 3
    print({name: outcomes.count(name) for name in set(outcomes)})


_PEAK = """
import resource, sys
from pathlib import Path
from har_core.video import reading
with reading.opened(Path(sys.argv[1])) as video:
    number = sum(1 for _ in video.frames(2))
print(number, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def test_a_long_video_takes_no_more_memory_than_a_short_one(tmp_path):
    def peak(seconds):
        noise = np.random.default_rng(0).integers(0, 255, (7, 120, 160, 3), np.uint8)
        path = tmp_path / f"{seconds}.mp4"
        clips.write(path, (noise[i % 7] for i in range(seconds * 2)), rate=2, codec="mpeg4")
        run = [sys.executable, "-c", _PEAK, str(path)]
        number, megabytes = subprocess.run(
            run, capture_output=True, text=True, cwd=PROJECT_ROOT, check=True
        ).stdout.split()
        assert int(number) == seconds * 2
        return float(megabytes)

    assert peak(20 * 60) - peak(20) < 20
