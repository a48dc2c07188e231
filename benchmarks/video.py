"""How many times faster than it plays a video is recognised: ``python -m benchmarks.video``.

Clips of the pictures that come with the app, moving, with a camera's noise, H.264 at 30 pictures a second, sampled at
the usual rate.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image

from har_core import serving, video
from har_core.config import PROJECT_ROOT
from har_core.images import RGBImage
from har_core.predictor import Predictor
from har_core.video import reading
from har_core.video.recognition import recognise

_EXAMPLES = PROJECT_ROOT / "har_ui" / "assets" / "examples"
_RATE = 30
_SECONDS = 20
_RUNS = 5
_NOISE = 6


def pictures(width: int, height: int) -> Iterator[RGBImage]:
    """Each picture slides by, for as long as the others, with noise: without it, decoding would be too easy."""
    noise = np.random.default_rng(0).normal(0, _NOISE, (8, height, width, 1)).astype(np.int8)
    paths = sorted(_EXAMPLES.glob("*.jpg"))[:4]
    frames = _RATE * _SECONDS // len(paths)
    for path in paths:
        wide = np.asarray(Image.open(path).convert("RGB").resize((width * 5 // 4, height)))
        for number in range(frames):
            left = number * width // (4 * frames)
            noisy = wide[:, left : left + width].astype(np.int16) + noise[number % len(noise)]
            yield noisy.clip(0, 255).astype(np.uint8)


def write(path: Path, width: int, height: int, bit_rate: int) -> None:
    """Encodes a clip at the bit rate, with the distance of key frames that is usual."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=_RATE, options={"preset": "veryfast"})
        stream.bit_rate = bit_rate
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in pictures(width, height):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        file.mux(stream.encode(None))


def timed(path: Path, predictor: Predictor) -> tuple[float, float]:
    """Seconds for decoding alone, and for the whole."""
    started = time.perf_counter()
    with reading.opened(path) as clip:
        for _ in clip.frames(video.RATE):
            pass
    decoded = time.perf_counter()
    recognise(path, predictor)
    return decoded - started, time.perf_counter() - decoded


def measure(folder: Path, predictor: Predictor, width: int, height: int, bit_rate: int) -> None:
    """Prints the ratios of one size."""
    path = folder / f"{width}x{height}.mp4"
    write(path, width, height, bit_rate)
    timed(path, predictor)
    loads, alone, whole = [], [], []
    for _ in range(_RUNS):
        loads.append(os.getloadavg()[0])
        decoding, seconds = timed(path, predictor)
        alone.append(_SECONDS / decoding)
        whole.append(_SECONDS / seconds)
    print(
        f"{width} x {height}, {path.stat().st_size * 8 / _SECONDS / 1e6:.1f} Mbit/s: {statistics.median(whole):.1f} "
        f"times as fast as it plays ({min(whole):.1f} to {max(whole):.1f}); decoding alone "
        f"{statistics.median(alone):.1f} times (n = {_RUNS}, load {min(loads):.1f} to {max(loads):.1f})"
    )


if __name__ == "__main__":
    model = Predictor(serving.find(), threads=1)
    print(f"{model.bundle.reference} on {os.cpu_count()} cores, {video.RATE:g} pictures a second of {_RATE}")
    with tempfile.TemporaryDirectory() as scratch:
        for size in ((640, 480, 1_500_000), (1920, 1080, 8_000_000)):
            measure(Path(scratch), model, *size)
