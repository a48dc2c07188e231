"""What bulk scoring costs, all in turn, round by round: ``python -m benchmarks.batch [--rounds N] [--photos N]``.

Two bounds, each a process a core that does nothing else: the bare LiteRT network on images that are decoded and resized
already; and decoding, resizing and the network, which is what a photo on a disk needs at least. The engines score JPEGs
of 224-640 px on a disk, journal and all. The first quarter of a run does not count: how long an engine takes to start.
"""

import argparse
import io
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.api import load
from benchmarks.api.speed import Work, bound
from benchmarks.batch.bounds import Network
from har_core import images, serving
from har_core.batch import runs, scoring, sources
from har_core.batch.runs import Engine, Header
from har_core.batch.scoring import Row, Tally
from har_core.bundle import TFLITE, Bundle
from har_core.config import PROJECT_ROOT, settings
from har_core.predictor import Predictor

_SECONDS = 5.0
_CAMERA = (4000, 3000)
_TOP_K = 3
_HUNDRED_MILLION = 100_000_000
_COUNTED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def write_photos(folder: Path, count: int) -> None:
    """Fills a folder."""
    folder.mkdir()
    payloads = load.photos()
    for number in range(count):
        (folder / f"{number:06}.jpg").write_bytes(payloads[number % len(payloads)])


def rate(folder: Path, bundle: Bundle, engine: Engine) -> float:
    """Photos a second of a run, without its first quarter and its last batch."""
    seen: list[tuple[float, int]] = []
    source = sources.find(str(folder))
    total = source.count()

    def report(tally: Tally, _: int | None) -> None:
        if tally.done >= total / 4:
            seen.append((time.perf_counter(), tally.done))

    with tempfile.TemporaryDirectory() as scratch:
        runs.run(source, Path(scratch, "rows.jsonl"), Header.of(bundle, _TOP_K), engine, report)
    # Not the last one: a cluster's rows come in batches, and each report but the last is of a batch's first row.
    (first, before), (last, done) = seen[0], seen[-2]
    return (done - before) / (last - first)


def _local(bundle: Bundle, threads: int) -> Callable[[], AbstractContextManager[Engine]]:
    engine = runs.local(Predictor(bundle, threads), _TOP_K)
    return lambda: nullcontext(engine)


def _ray(bundle: Bundle, workers: int) -> Callable[[], AbstractContextManager[Engine]]:
    from har_core.batch import cluster  # noqa: PLC0415 - only where it is measured

    @contextmanager
    def connected() -> Iterator[Engine]:
        os.environ["HAR_THREADS"] = str(workers)
        settings.cache_clear()
        try:
            with cluster.connected():
                yield cluster.engine(bundle, _TOP_K)
        finally:
            del os.environ["HAR_THREADS"]
            settings.cache_clear()

    return connected


def compare(folder: Path, bundle: Bundle, rounds: int, with_ray: bool) -> None:
    """The engines beside the bounds."""
    cores = runs.cores()
    engines = {f"local, {cores} threads": _local(bundle, cores), "local, 1 thread": _local(bundle, 1)}
    if with_ray:
        engines |= {"ray, 1 worker": _ray(bundle, 1), f"ray, {cores} workers": _ray(bundle, cores)}
    found: dict[str, list[float]] = {}
    with ExitStack() as opened:
        bounds = {
            "network alone": opened.enter_context(bound(bundle, Network)),
            "decoding and network": opened.enter_context(bound(bundle)),
        }
        for number in range(rounds):
            for name, measure in bounds.items():
                found.setdefault(name, []).append(measure(_SECONDS))
            for name, engine in engines.items():
                with engine() as compute:
                    found.setdefault(name, []).append(rate(folder, bundle, compute))
            told = ", ".join(f"{name} {rates[-1]:.1f}" for name, rates in found.items())
            print(f"round {number + 1}: {told}", file=sys.stderr, flush=True)
    for name, rates in found.items():
        print(f"{name}: median {statistics.median(rates):.1f}/s ({min(rates):.1f}-{max(rates):.1f}, n = {rounds})")
    all_cores, one = f"local, {cores} threads", "local, 1 thread"
    _ratio("local engine / network alone", found[all_cores], found["network alone"])
    _ratio("local engine / decoding and network", found[all_cores], found["decoding and network"])
    _ratio(f"local: {cores} threads / 1 thread / {cores}", found[all_cores], found[one], cores)
    if with_ray:
        _ratio("1 worker: ray / local", found["ray, 1 worker"], found[one])
        _ratio(f"{cores} workers: ray / local", found[f"ray, {cores} workers"], found[all_cores])
        _ratio(
            f"ray: {cores} workers / 1 worker / {cores}", found[f"ray, {cores} workers"], found["ray, 1 worker"], cores
        )
    per_core = statistics.median(found[all_cores]) / cores
    print(f"{per_core:.1f} photos/s a core; 100 million photos: {_HUNDRED_MILLION / per_core / 3600:,.0f} core hours")


def _ratio(name: str, ours: list[float], theirs: list[float], share: int = 1) -> None:
    ratios = [a / b / share for a, b in zip(ours, theirs, strict=True)]
    print(f"{name}: median {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


def decoding(bundle: Bundle, rounds: int) -> None:
    """What a photo costs one core by its size: the network, and decoding with resizing."""
    size = bundle.info.input_size
    predictor = Predictor(bundle, threads=1)
    payloads = {"224-640 px": load.photos(), f"{_CAMERA[0]} x {_CAMERA[1]}": _camera_photos()}
    for name, photos in payloads.items():
        costs, nets = [], []
        for payload in photos * rounds:
            started = time.perf_counter()
            image = images.resize(images.decode(payload, min_side=size), size)
            between = time.perf_counter()
            predictor.predict(image)
            costs.append(between - started)
            nets.append(time.perf_counter() - between)
        mean = sum(map(len, photos)) / len(photos)
        print(
            f"{name} ({mean / 1e3:.0f} kB): decoding median {statistics.median(costs) * 1e3:.1f} ms, prediction "
            f"{statistics.median(nets) * 1e3:.1f} ms (n = {len(costs)})"
        )


def processor_time(folder: Path, bundle: Bundle, rounds: int) -> None:
    """What a photo costs in processor time, which others on the machine change less than they change speed."""
    predictor, content, size = Predictor(bundle), bundle.read(TFLITE), bundle.info.input_size
    network, work = Network(content, size), Work(content, size)
    source = sources.find(str(folder))
    paths = list(source.paths())[:300]
    actions: dict[str, Callable[[], int]] = {
        "network alone": lambda: network.run(_SECONDS / 2),
        "decoding and network": lambda: work.run(_SECONDS / 2),
        "local engine": lambda: sum(1 for _ in scoring.rows(map(source.item, paths), predictor, _TOP_K)),
    }
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            started = time.process_time()
            found[name].append(action() / (time.process_time() - started))
    for name, rates in found.items():
        print(
            f"processor time of a photo, {name}: median {1e3 / statistics.median(rates):.1f} ms (n = {rounds} rounds)"
        )
    _ratio("by processor time: local engine / network alone", found["local engine"], found["network alone"])
    _ratio(
        "by processor time: local engine / decoding and network", found["local engine"], found["decoding and network"]
    )


def _camera_photos() -> list[bytes]:
    found = []
    for path in sorted((PROJECT_ROOT / "har_ui" / "assets" / "examples").glob("*.jpg")):
        buffer = io.BytesIO()
        with Image.open(path) as image:
            image.resize(_CAMERA).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def keeping(folder: Path, bundle: Bundle, rows: int) -> None:
    """How many rows a second one process lists, keeps, and turns into the output: the most that it can take in."""
    table = folder / "many.csv"
    table.write_text("path\n" + "".join(f"photos/{number:09}.jpg\n" for number in range(rows)), "utf-8")
    answer = Predictor(bundle, threads=1).predict(np.zeros((32, 32, 3), np.uint8), _TOP_K).to_dict()
    chance = random.Random(0)

    def at_once(_: sources.Source, left: Iterator[str], __: int) -> Generator[Row]:
        for path in left:
            # Figures that differ, so that they cannot be compressed away.
            found = [{**item, "score": chance.random()} for item in answer["predictions"]]
            yield {"path": path, **answer, "confidence": found[0]["score"], "predictions": found}

    for ending in ("jsonl", "parquet"):
        output = folder / f"many.{ending}"
        started = time.perf_counter()
        runs.run(sources.find(str(table)), output, Header.of(bundle, _TOP_K), at_once, lambda *_: None)
        per_second = rows / (time.perf_counter() - started)
        size = output.stat().st_size / rows
        print(f"{rows:,} rows that cost nothing: {per_second:,.0f}/s, {size:.0f} B a row of {ending}")


def memory(folder: Path, photos: Path, missing: int) -> None:
    """Most resident memory of the command, on photos and on a table of very many rows; how fast rows are kept."""
    table = folder / "missing.csv"
    table.write_text("path\n" + "".join(f"{number:09}.jpg\n" for number in range(missing)), "utf-8")
    for source, output in ((photos, "photos.parquet"), (table, "missing.parquet")):
        command = [sys.executable, "-m", "har_cli", "batch", str(source), str(folder / output)]
        started = time.perf_counter()
        # By a small process in between: a child's peak counts that of the process that it was made from.
        counted = subprocess.run(
            [sys.executable, "-c", _COUNTED, *command], stdout=subprocess.PIPE, text=True, check=True
        )
        seconds = time.perf_counter() - started
        count = sources.find(str(source)).count()
        size = (folder / output).stat().st_size / count
        print(
            f"har batch on {count:,} rows of {source.name}: at most {int(counted.stdout) / 1024:.0f} MiB resident, "
            f"{seconds:.1f} s, {count / seconds:,.0f} rows/s in all; {size:.0f} B a row of {output}"
        )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=1500)
    parser.add_argument("--missing", type=int, default=300_000, help="rows of tables without files")
    parser.add_argument("--without-ray", action="store_true")
    parser.add_argument("--without-speed", action="store_true", help="only what others on the machine hardly change")
    asked = parser.parse_args()
    bundle = serving.find()
    print(f"{bundle.reference}, {runs.cores()} cores, {asked.photos} JPEGs of 224-640 px")
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        write_photos(photos, asked.photos)
        decoding(bundle, asked.rounds)
        processor_time(photos, bundle, asked.rounds)
        if not asked.without_speed:
            compare(photos, bundle, asked.rounds, not asked.without_ray)
        keeping(Path(folder), bundle, asked.missing)
        memory(Path(folder), photos, asked.missing)


if __name__ == "__main__":
    main()
