"""Whether photos that wait at the same time had better be run as one batch: ``python -m benchmarks.api.batching``.

The bare network, without a server. One by one means: a thread for each core, each with an interpreter of its own, as
the API does it. A batch is run by one interpreter that has all cores. In turn, several rounds.
"""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import Bundle

_BATCHES = (2, 4, 8)
_ROUNDS = 9
_PHOTOS = 64


def _interpreter(bundle: Bundle, batch: int, threads: int) -> Interpreter:
    found = Interpreter(model_content=bundle.read(bundles.TFLITE), num_threads=threads)
    index, size = found.get_input_details()[0]["index"], bundle.info.input_size
    found.resize_tensor_input(index, [batch, size, size, 3])
    found.allocate_tensors()
    found.set_tensor(index, np.zeros((batch, size, size, 3), np.uint8))
    found.invoke()
    return found


def _milliseconds(interpreters: list[Interpreter], batch: int) -> float:
    """Milliseconds a photo."""

    def run(interpreter: Interpreter) -> None:
        for _ in range(_PHOTOS // batch // len(interpreters)):
            interpreter.invoke()

    started = time.perf_counter()
    with ThreadPoolExecutor(len(interpreters)) as pool:
        list(pool.map(run, interpreters))
    return (time.perf_counter() - started) / _PHOTOS * 1e3


def main() -> None:
    """Prints milliseconds a photo, one by one and in batches."""
    bundle, cores = serving.find(), len(os.sched_getaffinity(0))
    ways = {"one by one": ([_interpreter(bundle, 1, 1) for _ in range(cores)], 1)}
    ways |= {f"batches of {size}": ([_interpreter(bundle, size, cores)], size) for size in _BATCHES}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            found[name].append(_milliseconds(*way))
    for name, figures in found.items():
        ratio = statistics.median(a / b for a, b in zip(figures, found["one by one"], strict=True))
        print(f"{name}: median {statistics.median(figures):.2f} ms a photo; ratio {ratio:.2f} (n = {_ROUNDS})")


if __name__ == "__main__":
    main()
