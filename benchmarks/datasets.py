"""What dataset work costs, and what a check finds.

``python -m benchmarks.datasets scale [COUNT]``: import and check of many generated small photos: time and memory.
``python -m benchmarks.datasets planted LABELS_CSV``: a real dataset with planted exact and near-duplicates and flipped
labels: recall and precision of what the check finds.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from har_core.datasets.sources import table

_LABELS = 10


def _run(home: Path, *arguments: str) -> str:
    """Runs ``har`` and says how long it took; gives its standard output."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "har_cli", *arguments],
        env={**os.environ, "HAR_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"har {' '.join(arguments[:3])}: {time.monotonic() - started:.0f} s; largest process so far {peak:.0f} MiB")
    return done.stdout


def scale(count: int) -> None:
    """Imports, splits and checks ``count`` generated photos of 64 × 64 px."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as temporary:
        photos = Path(temporary, "photos")
        for number in range(count):
            path = photos / f"label{number % _LABELS}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.kron(rng.integers(0, 256, (8, 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
            Image.fromarray(pixels).save(path, quality=80)
        home = Path(temporary, "home")
        _run(home, "data", "import", "folder", str(photos), "--name", "many")
        _run(home, "data", "split", "many")
        _run(home, "data", "check", "many", "--json")


def planted(labels: Path, copies: int = 20, flipped_share: float = 0.05) -> None:
    """Plants defects into a copy of a labelled list, checks it, and counts what is found."""
    from har_core.datasets.checks import Report  # noqa: PLC0415 - the settings are read first here

    rng = random.Random(0)
    candidates = [item for item in table.read(labels).candidates if item.label]
    names = sorted({str(item.label) for item in candidates})
    flipped = set(rng.sample(range(len(candidates)), round(flipped_share * len(candidates))))
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "photos")
        root.mkdir()
        lines, exact, near = ["path,label"], set(), set()
        for number, item in enumerate(candidates):
            label = rng.choice([name for name in names if name != item.label]) if number in flipped else item.label
            (root / f"{number}.jpg").write_bytes(item.path.read_bytes())
            lines.append(f"{number}.jpg,{label}")
        originals = rng.sample(range(len(candidates)), 2 * copies)
        for place, number in enumerate(originals):
            name, label = f"copy-{number}.jpg", lines[number + 1].partition(",")[2]
            if place < copies:
                (root / name).write_bytes((root / f"{number}.jpg").read_bytes())
                exact.add(frozenset((name, f"{number}.jpg")))
            else:
                image = Image.open(root / f"{number}.jpg").convert("RGB")
                factor = rng.uniform(0.5, 1.5)
                image.resize((round(image.width * factor), round(image.height * factor))).save(root / name, quality=60)
                near.add(frozenset((name, f"{number}.jpg")))
            lines.append(f"{name},{label}")
        (root / "labels.csv").write_text("\n".join(lines), "utf-8")
        home = Path(temporary, "home")
        _run(home, "data", "import", "csv", str(root / "labels.csv"), "--name", "planted")
        report = Report.model_validate_json(_run(home, "data", "check", "planted", "--json"))

    found_exact = {frozenset(Path(path).name for path in group) for group in report.duplicates}
    found_near = {frozenset(Path(path).name for path in pair.paths) for pair in report.near_pairs}
    print(
        f"exact duplicates: {len(exact & found_exact)} of {len(exact)} found, {len(found_exact - exact)} others named"
    )
    print(f"near-duplicates: {len(near & found_near)} of {len(near)} found, {len(found_near - near)} other pairs named")
    issues = [int(Path(item.path).stem.removeprefix("copy-")) for item in report.label_issues]
    hits = len(flipped & set(issues))
    top = issues[: len(flipped)]
    print(
        f"flipped labels: {hits} of {len(flipped)} found (recall {hits / len(flipped):.2f}) among {len(issues)} named "
        f"(precision {hits / max(1, len(issues)):.2f}; {len(flipped & set(top)) / max(1, len(top)):.2f} "
        f"among the first {len(top)})"
    )


if __name__ == "__main__":
    if sys.argv[1] == "scale":
        scale(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    else:
        planted(Path(sys.argv[2]))
