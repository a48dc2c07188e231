"""How fast the API is, beside others, in one run: ``python -m benchmarks.api.speed``.

The bound is what the cores can do: a process for each, decoding photos and running the bare network, without a server.
Beside us: Flask with Keras's ``model.predict`` as one writes it first, and the same network under LitServe with two
workers (its packages go into build/, not into the project's environment). Clients and servers share the cores.
"""

import itertools
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from benchmarks.api import load, servers
from benchmarks.api.load import Figures
from har_core import bundle as bundles
from har_core import images, serving
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from har_core.images import resize

_PACKAGES = PROJECT_ROOT / "build" / "benchmark-packages"
_LITSERVE = "litserve==0.2.19"
_ROUNDS = 3
_SECONDS = 15.0
_CONNECTIONS = 8


def _decode_and_run(network: bytes, size: int, seconds: float) -> int:
    interpreter = Interpreter(model_content=network, num_threads=1)
    interpreter.allocate_tensors()
    index = interpreter.get_input_details()[0]["index"]
    photos, done = itertools.cycle(load.photos()), 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        interpreter.set_tensor(index, resize(images.decode(next(photos), min_side=size), size)[None])
        interpreter.invoke()
        done += 1
    return done


def bound(bundle: Bundle, seconds: float = _SECONDS) -> float:
    """Photos a second of all cores, without a server."""
    cores = len(os.sched_getaffinity(0))
    work = [(bundle.read(bundles.TFLITE), bundle.info.input_size, seconds)] * cores
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.starmap(_decode_and_run, [(*item[:2], 0.5) for item in work])  # Interpreters and photos are made.
        return sum(pool.starmap(_decode_and_run, work)) / seconds


@contextmanager
def _our_api(folder: Path, bundle: Bundle) -> Iterator[Callable[[], list[bytes]]]:
    del bundle
    with servers.ours(8131, folder / "home"):
        yield lambda: load.encoded("/api/v1/predictions", load.photos())


@contextmanager
def _flask(folder: Path, bundle: Bundle) -> Iterator[Callable[[], list[bytes]]]:
    command = ["gunicorn", "-b", "127.0.0.1:8131", "--threads", "8", "benchmarks.api.flask_app:app"]
    model = str(bundle.folder / bundles.KERAS)
    with servers.running(command, 8131, folder / "log", "/health", MODEL_KERAS=model):
        yield lambda: load.encoded("/predict", load.photos())


@contextmanager
def _litserve(folder: Path, bundle: Bundle) -> Iterator[Callable[[], list[bytes]]]:
    if not _PACKAGES.exists():
        install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--target", str(_PACKAGES), _LITSERVE]
        subprocess.run(install, check=True)
    command = ["benchmarks.api.litserve_app", str(bundle.folder / bundles.TFLITE), "8131"]
    with servers.running(command, 8131, folder / "log", "/health", PYTHONPATH=str(_PACKAGES)):
        yield lambda: load.encoded("/predict", load.photos())


_SERVERS = {"ours": _our_api, "LitServe": _litserve, "Flask + model.predict": _flask}


def _saturated(name: str, bundle: Bundle) -> Figures:
    with tempfile.TemporaryDirectory() as folder, _SERVERS[name](Path(folder), bundle) as requests:
        load.saturate(8131, requests(), _CONNECTIONS, 3)
        return load.saturate(8131, requests(), _CONNECTIONS, _SECONDS)


def _at_seventy_percent(rate: float, bundle: Bundle) -> Figures:
    with tempfile.TemporaryDirectory() as folder, _our_api(Path(folder), bundle) as requests:
        load.saturate(8131, requests(), _CONNECTIONS, 3)
        return load.arrive(8131, requests(), 0.7 * rate, 2 * _SECONDS)


def main() -> None:
    """Prints the figures, round by round."""
    bundle = serving.find()
    print(f"{bundle.reference}, {len(os.sched_getaffinity(0))} cores, {_CONNECTIONS} connections, JPEGs of 224-640 px")
    for _ in range(_ROUNDS):
        most = bound(bundle)
        print(f"bound: {most:.1f}/s")
        for name in _SERVERS:
            figures = _saturated(name, bundle)
            print(f"{name}: {figures}; {figures.rate / most:.2f} of the bound", flush=True)
            if name == "ours":
                calm = _at_seventy_percent(figures.rate, bundle)
                print(f"ours, at 70 % of its rate: {calm}; p99 / p50 = {calm.quantile(0.99) / calm.quantile(0.5):.1f}")


if __name__ == "__main__":
    main()
