"""Clips that tests make on the fly."""

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CODECS = {".mp4": "libx264", ".mov": "mpeg4", ".webm": "libvpx-vp9", ".mkv": "libvpx", ".avi": "mpeg4"}
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "threads": "1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
}
RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


def plain(colour, width=96, height=64) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def corners(width=96, height=64) -> np.ndarray:
    """Black, with a red top left and a blue top right corner."""
    image = plain((0, 0, 0), width, height)
    image[: height // 2, : width // 2] = RED
    image[: height // 2, width // 2 :] = BLUE
    return image


def write(
    path: Path,
    images: Iterable[np.ndarray],
    rate: float = 10,
    codec: str = "",
    *,
    times=None,
    options=None,
    **container,
) -> Path:
    """Writes a clip.

    Args:
        path: Its suffix says the format, and, where nothing else is said, the codec.
        images: uint8 RGB, all of one shape.
        rate: Pictures a second.
        codec: Of PyAV's encoders; never one of AV1.
        times: When each picture is shown, seconds; evenly when absent.
        options: Of the encoder.
        container: Options of the container.
    """
    name = codec or CODECS[path.suffix]
    with av.open(str(path), "w", container_options=container) as file:
        stream = None
        for number, image in enumerate(images):
            if stream is None:
                stream = file.add_stream(
                    name, rate=Fraction(rate).limit_denominator(1000), options=options or _OPTIONS.get(name)
                )
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuvj420p" if name == "mjpeg" else "yuv420p"
                if times is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
            frame = av.VideoFrame.from_ndarray(image)
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (times[number] if times is not None else number / rate))
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Changes an MP4's display matrix (a, b, c, d), as a phone writes it."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40  # version 0: 40 bytes from the version to the matrix
    a, b, c, d = (65536 * value for value in matrix)
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path
