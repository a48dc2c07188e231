"""How fast the API is, beside others, in one run: ``python -m benchmarks.api.speed``.

The bound is what the cores can do: a process for each, decoding photos and running the bare network, without a server.
Beside us: Flask with Keras's ``model.predict`` as one writes it first, and the same network under LitServe with two
workers (its packages go into build/, not into the project's environment). Clients and servers share the cores.
"""

import itertools
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from benchmarks.api import load, servers
from benchmarks.api.load import Figures
from har_core import bundle as bundles
from har_core import images, serving
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from har_core.images import RGBImage, resize

_PACKAGES = PROJECT_ROOT / "build" / "benchmark-packages"
_LITSERVE = "litserve==0.2.19"
_ROUNDS = 9
_SECONDS = 5.0
_CONNECTIONS = 8
_PORTS = {"ours": 8131, "LitServe": 8132, "Flask + model.predict": 8133}


class Work:
    """What a process does for one core: it decodes photos and runs the bare network."""

    def __init__(self, network: bytes, size: int) -> None:
        self._interpreter = Interpreter(model_content=network, num_threads=1)
        self._interpreter.allocate_tensors()
        self._index, self._size = self._interpreter.get_input_details()[0]["index"], size
        self._photos = itertools.cycle(load.photos())

    def run(self, seconds: float) -> int:
        """Does photo after photo for so long; gives how many."""
        done, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            self._interpreter.set_tensor(self._index, self._image()[None])
            self._interpreter.invoke()
            done += 1
        return done

    def _image(self) -> RGBImage:
        return resize(images.decode(next(self._photos), min_side=self._size), self._size)


def _serve_bound(kind: type[Work], network: bytes, size: int, orders: Connection) -> None:
    bound = kind(network, size)
    bound.run(1)
    while True:
        orders.send(bound.run(orders.recv()))


@contextmanager
def bound(bundle: Bundle, kind: type[Work] = Work) -> Iterator[Callable[[float], float]]:
    """Gives what says how many photos a second all cores manage with nothing but that work."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in os.sched_getaffinity(0)]
    network = bundle.read(bundles.TFLITE)
    workers = [
        context.Process(target=_serve_bound, args=(kind, network, bundle.info.input_size, theirs), daemon=True)
        for _, theirs in pipes
    ]

    def rate(seconds: float) -> float:
        for ours, _ in pipes:
            ours.send(seconds)
        return sum(ours.recv() for ours, _ in pipes) / seconds

    for worker in workers:
        worker.start()
    try:
        yield rate
    finally:
        for worker in workers:
            worker.terminate()


@contextmanager
def everybody(folder: Path, bundle: Bundle) -> Iterator[None]:
    """Runs our API and the others, as processes of their own."""
    if not _PACKAGES.exists():
        install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--target", str(_PACKAGES), _LITSERVE]
        subprocess.run(install, check=True)
    ours, litserve, flask = _PORTS.values()
    network, model = str(bundle.folder / bundles.TFLITE), str(bundle.folder / bundles.KERAS)
    gunicorn = ["gunicorn", "-b", f"127.0.0.1:{flask}", "--threads", "8", "benchmarks.api.flask_app:app"]
    with (
        servers.ours(ours, folder / "home"),
        servers.running(
            ["benchmarks.api.litserve_app", network, str(litserve)],
            litserve,
            folder / "litserve",
            "/health",
            PYTHONPATH=str(_PACKAGES),
        ),
        servers.running(gunicorn, flask, folder / "flask", "/health", MODEL_KERAS=model),
    ):
        yield


def main() -> None:
    """Prints the figures: all in turn, round by round, since other tenants of a machine come and go."""
    bundle, photos = serving.find(), load.photos()
    requests = dict.fromkeys(_PORTS, load.encoded("/predict", photos))
    requests["ours"] = load.encoded("/api/v1/predictions", photos)
    most: list[float] = []
    found: dict[str, list[Figures]] = {name: [] for name in _PORTS}
    with tempfile.TemporaryDirectory() as folder, everybody(Path(folder), bundle), bound(bundle) as rate:
        for name, port in _PORTS.items():
            load.saturate(port, requests[name], _CONNECTIONS, 3)
        for _ in range(_ROUNDS):
            most.append(rate(_SECONDS))
            for name, port in _PORTS.items():
                found[name].append(load.saturate(port, requests[name], _CONNECTIONS, _SECONDS))
        best = statistics.median(figures.rate for figures in found["ours"])
        calm = load.arrive(_PORTS["ours"], requests["ours"], 0.7 * best, 4 * _SECONDS)
    print(f"{bundle.reference}, {len(os.sched_getaffinity(0))} cores, {_CONNECTIONS} connections, JPEGs of 224-640 px")
    print(f"bound: median {statistics.median(most):.1f}/s ({min(most):.1f}-{max(most):.1f}, n = {_ROUNDS} rounds)")
    for name, rounds in found.items():
        _print(name, rounds, most)
    print(f"ours, at 70 % of its rate: {calm}; p99 / p50 = {calm.quantile(0.99) / calm.quantile(0.5):.1f}")


def _print(name: str, rounds: list[Figures], most: list[float]) -> None:
    rates = [figures.rate for figures in rounds]
    share = statistics.median(rate / bound for rate, bound in zip(rates, most, strict=True))
    p50, p99 = (statistics.median(figures.quantile(q) for figures in rounds) for q in (0.5, 0.99))
    spread = f"{min(rates):.1f}-{max(rates):.1f}"
    print(
        f"{name}: median {statistics.median(rates):.1f}/s ({spread}); {share:.2f} of the bound; "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    )


if __name__ == "__main__":
    main()
