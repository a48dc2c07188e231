"""Untrusted video files → upright RGB pictures at moments of one's choice, in bounded memory.

Times are seconds from the first picture. They come from the pictures' own timestamps, never from counting, so a
varying rate, or a header that says 0 pictures a second, does no harm.
"""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.buffer import Buffer
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from har_core.config import settings
from har_core.errors import (
    CorruptVideo,
    FileUnreadable,
    NotAVideo,
    NoVideoStream,
    TooManyVideoPixels,
    UnsupportedVideo,
    VideoTooLarge,
)
from har_core.images import RGBImage
from har_core.video import FORMATS_FOR_PEOPLE

# Lists of other files (HLS, DASH, "concat") are not among them: a file must never make us open another one.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
_CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "h263", "theora", "prores"}
)
_OPTIONS = {"format_whitelist": _CONTAINERS, "codec_whitelist": ",".join(sorted(_CODECS | {"libdav1d"}))}
_SHOWN_SIDE = 640
_THREADS = 4
_LEAST_SIDE = 2
_LONGEST_SHOWN = 10.0
# Of the time from one sample to the next, what may lie between two decoded pictures.
_DENSE_ENOUGH = 0.25
_RATES_TO_SKIP = 8
# The pictures left out at the end.
_SKIPPED_SECONDS = 0.5
_USUAL_RATE = 25.0
# Pixels that are wider or higher than this are a mistake of the header.
_ODDEST_ASPECT = 4
_MISSING_SECONDS, _MISSING_SHARE = 2.0, 0.05
# What PyAV raises on broken files: errors of its own, and now and then those of Python beneath it.
_DECODER_ERRORS = (
    *(av.error.FFmpegError, OSError, ValueError, OverflowError, MemoryError),
    *(RuntimeError, ArithmeticError, IndexError, TypeError),
)


@dataclass(frozen=True)
class VideoInfo:
    """What a file says of itself, before any picture is decoded.

    Attributes:
        duration: Seconds; None where it does not say.
        width: Of a picture as it is stored, pixels; a phone's may still have to be turned.
        height: Likewise.
        codec: How the pictures are coded, ``h264`` say.
        rate: Pictures a second on average; None where it does not say.
    """

    duration: float | None
    width: int
    height: int
    codec: str
    rate: float | None


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        seconds: From the first picture.
        image: Upright, uint8 RGB ``(H, W, 3)``, at most 640 on a side.
    """

    seconds: float
    image: RGBImage


class Video:
    """An open video file; made by ``opened``. For one thread at a time.

    Attributes:
        info: What the file says of itself.
        notes: What was wrong with it so far, in sentences.
        end: Up to where it was read, seconds.
    """

    def __init__(self, container: InputContainer) -> None:
        """Checks what the header says.

        Raises:
            VideoError: As ``opened``.
        """
        self._container = container
        self._stream = _pictures(container)
        self.info = _info(container, self._stream)
        self._stream.codec_context.thread_count = _THREADS
        self._stream.thread_type = "AUTO"
        self._is_skipping = False
        # One for all: each has buffers of its own.
        self._converter = VideoReformatter()
        self.notes: list[str] = []
        self.end = 0.0

    def frames(self, rate: float) -> Iterator[Frame]:
        """Decodes the video from its beginning, once; one picture at a time is held.

        Damaged parts are left out, with a note; so is what comes after the longest time that the settings accept.

        Args:
            rate: Pictures a second wanted, more than 0; each is the first one that is due. Fewer come where the video
                has fewer.

        Raises:
            TooManyVideoPixels: A picture is larger than the settings accept.
            CorruptVideo: None can be decoded.
        """
        due = 0.0
        is_empty = True
        self._skip((self.info.rate or 0) >= _RATES_TO_SKIP * rate)
        before = 0.0
        for seconds, picture in self._timed():
            if seconds - before > _DENSE_ENOUGH / rate:
                self._skip(False)
            before = seconds
            if seconds < due - 1e-6:
                continue
            try:
                image = _rgb(picture, self._stream.sample_aspect_ratio, self._converter)
            except _DECODER_ERRORS:
                self._note("Some pictures are damaged and were left out.")
                continue
            is_empty = False
            yield Frame(seconds, image)
            due = (math.floor(seconds * rate + 1e-6) + 1) / rate
        if is_empty:
            raise CorruptVideo("Not one picture of the video can be decoded: it is damaged, or cut off very early.")

    def _timed(self) -> Iterator[tuple[float, VideoFrame]]:
        """All pictures with their times, which never go back."""
        interval = 1 / (self.info.rate or _USUAL_RATE)
        start: float | None = None
        seconds = -interval
        for picture in self._decoded():
            _check_pixels(picture.width, picture.height)
            stamp = picture.time if picture.pts is not None else None
            if start is None:
                start = stamp or 0.0
            before, seconds = seconds, max(seconds, 0.0, seconds + interval if stamp is None else stamp - start)
            if seconds > settings().max_video_seconds:
                self._note(f"Only the first {settings().max_video_seconds / 60:g} minutes were read.")
                return
            # The last picture is shown for as long as the one before it.
            self.end = seconds + (min(seconds - before, _LONGEST_SHOWN) if seconds else interval)
            yield seconds, picture
        missing = (self.info.duration or 0.0) - self.end
        if 0 < missing < _SKIPPED_SECONDS:
            self.end += missing
        if missing > max(_MISSING_SECONDS, _MISSING_SHARE * self.end):
            self._note(f"The video is cut off: it ends {missing:.0f} s before it should.")

    def _decoded(self) -> Iterator[VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, EOFError):
                return
            except _DECODER_ERRORS:
                self._note("The file is damaged; what comes after the damage is missing.")
                return
            try:
                pictures = self._stream.decode(packet)
            except EOFError:
                return
            except _DECODER_ERRORS:
                self._note("Some pictures are damaged and were left out.")
                continue
            yield from pictures

    def _skip(self, is_wanted: bool) -> None:
        """Leaves out the pictures that no other needs (B frames, mostly): decoding takes about half the time.

        It is given up as soon as what is left lies too far apart to sample from.
        """
        if is_wanted != self._is_skipping:
            self._stream.codec_context.skip_frame = "NONREF" if is_wanted else "DEFAULT"
            self._is_skipping = is_wanted

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[Video]:
    """Opens a video that may come from anyone.

    Bytes, format, codec and pixels are checked before any picture is decoded. The decoder gets the bytes and no name,
    so it can open no other file. It is C code all the same: a server runs it in a process of its own
    (``har_core.video.work``).

    Raises:
        FileUnreadable: The file is missing, no file, or may not be read.
        VideoError: One subclass per cause; see ``har_core.errors``.
    """
    if isinstance(source, Path):
        with _file(source) as file, opened(file) as video:
            yield video
        return
    _check_bytes(source)
    try:
        container = av.open(source, mode="r", metadata_errors="replace", options=_OPTIONS)
    except _DECODER_ERRORS:
        raise NotAVideo(
            f"The file is not a video, or its beginning or its index is missing. Send {FORMATS_FOR_PEOPLE}."
        ) from None
    with container:
        yield Video(container)


def _file(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            raise FileUnreadable("There is no such file.")
        return path.open("rb")
    except OSError as error:
        raise FileUnreadable(f"The file cannot be read: {error.strerror}.") from error


def _check_bytes(source: BinaryIO) -> None:
    length, limit = source.seek(0, io.SEEK_END), settings().max_video_bytes
    source.seek(0)
    if length > limit:
        raise VideoTooLarge(f"The file has {length / 1e6:.1f} MB; at most {limit / 1e6:g} MB are accepted.")
    if not length:
        raise NotAVideo("The file is empty.")


def _check_pixels(width: int, height: int) -> None:
    limit = settings().max_video_pixels
    if width * height > limit:
        raise TooManyVideoPixels(
            f"The video has {width} × {height} pixels; at most {limit / 1e6:g} megapixels are accepted."
        )


def _pictures(container: InputContainer) -> VideoStream:
    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not moving:
        raise NoVideoStream("There are no moving pictures in this file, only sound or other data.")
    return max(moving, key=lambda stream: bool(stream.disposition & Disposition.default))


def _info(container: InputContainer, stream: VideoStream) -> VideoInfo:
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else "unknown"
    if codec not in _CODECS:
        raise UnsupportedVideo(f"The pictures are coded as “{codec}”, which is not read here; H.264 or VP9 is.")
    _check_pixels(context.width, context.height)
    return VideoInfo(
        duration=_positive(_seconds(stream.duration, stream.time_base))
        or _positive(_seconds(container.duration, Fraction(1, av.time_base))),
        width=context.width,
        height=context.height,
        codec=codec,
        rate=_positive(float(stream.average_rate or 0)),
    )


def _seconds(ticks: int | None, base: Fraction | None) -> float:
    return float(ticks * base) if ticks is not None and base is not None else 0.0


def _positive(value: float) -> float | None:
    return value if 0 < value < math.inf else None


def _rgb(picture: VideoFrame, aspect: Fraction | None, converter: VideoReformatter) -> RGBImage:
    """A picture upright, with square pixels, and small; the conversion and the shrinking are one step."""
    stretch = float(aspect or 1)
    width = picture.width * (stretch if 1 / _ODDEST_ASPECT <= stretch <= _ODDEST_ASPECT else 1)
    scale = min(1.0, _SHOWN_SIDE / max(width, picture.height))
    small = converter.reformat(
        picture,
        width=max(_LEAST_SIDE, round(width * scale)),
        height=max(_LEAST_SIDE, round(picture.height * scale)),
        format="rgb24",
        interpolation="AREA" if scale < 1 else "BILINEAR",
    )
    matrix = picture.side_data.get("DISPLAYMATRIX")
    image = cast(RGBImage, small.to_ndarray())
    return image if matrix is None else _upright(image, np.frombuffer(bytes(cast(Buffer, matrix)), np.int32))


def _upright(image: RGBImage, matrix: npt.NDArray[np.int32]) -> RGBImage:
    """Turns, and mirrors, as the display matrix says, to the next right angle.

    It maps a stored place to a shown one: x' = a·x + c·y, y' = b·x + d·y (ISO/IEC 14496-12, 6.2.2).
    """
    a, b, c, d = (int(matrix[place]) for place in (0, 1, 3, 4))
    if abs(b) + abs(c) > abs(a) + abs(d):
        image, to_right, down = image.transpose(1, 0, 2), c, b
    else:
        to_right, down = a, d
    return np.ascontiguousarray(image[:: -1 if down < 0 else 1, :: -1 if to_right < 0 else 1])
