"""How well wrong labels are found, and what that costs.

``python -m benchmarks.label_issues DATA_FOLDER``: plants errors into the labels of ``DATA_FOLDER/sports`` (class
folders) and ``DATA_FOLDER/everyday/labels.csv``: recall and precision of what is found.
``python -m benchmarks.label_issues scale [COUNT]``: time and memory on made-up embeddings.
"""

import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from har_core import images
from har_core.datasets import label_issues
from har_core.embedding import DIMENSIONS, Embedder
from har_core.litert import Floats

_SHARE = 0.05

Codes = npt.NDArray[np.intp]


def embed(paths: Sequence[Path]) -> Floats:
    """float32 ``(n, 1280)``."""
    embedder = Embedder()

    def one(path: Path) -> Floats:
        return embedder.embed(images.decode(images.read(path), min_side=embedder.input_size))

    with ThreadPoolExecutor(embedder.threads) as pool:
        return np.stack(list(pool.map(one, paths)))


def at_random(codes: Codes, seed: int) -> tuple[Codes, Codes]:
    """Gives some photos any other label; the labels, and the rows that were changed."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(codes), round(_SHARE * len(codes)), replace=False)
    planted, labels = codes.copy(), codes.max() + 1
    planted[rows] = (codes[rows] + rng.integers(1, labels, len(rows))) % labels
    return planted, rows


def by_frequency(codes: Codes, seed: int) -> tuple[Codes, Codes]:
    """The same, but frequent labels are given more often, so that each stays as frequent as it was."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(codes), round(_SHARE * len(codes)), replace=False)
    planted = codes.copy()
    planted[rows] = rng.choice(codes, len(rows))
    return planted, rows[planted[rows] != codes[rows]]


def look_alikes(codes: Codes, embeddings: Floats, seed: int) -> tuple[Codes, Codes]:
    """The same, but each gets one of the two labels whose mean embedding is nearest its own label's."""
    rng = np.random.default_rng(seed)
    centres = np.stack([embeddings[codes == label].mean(axis=0) for label in range(codes.max() + 1)])
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    near = np.argsort(distances, axis=1)[:, 1:3]
    rows = rng.choice(len(codes), round(_SHARE * len(codes)), replace=False)
    planted = codes.copy()
    planted[rows] = near[codes[rows], rng.integers(0, 2, len(rows))]
    return planted, rows


def confident_learning(embeddings: Floats, codes: Codes) -> Codes:
    """Rows off the diagonal of the confident joint (section 3.1 of the paper that ``label_issues`` names)."""
    found = label_issues.probabilities(embeddings, codes, seed=0)
    thresholds = np.array([found[codes == label, label].mean() for label in range(found.shape[1])])
    confident = np.where(found >= thresholds, found, -1)
    return np.flatnonzero((confident.max(axis=1) >= 0) & (confident.argmax(axis=1) != codes))


def report(name: str, embeddings: Floats, labels: Sequence[str]) -> None:
    """Prints the figures of one set; labels with a single photo are left out."""
    counts = pd.Series(labels).map(pd.Series(labels).value_counts())
    embeddings = embeddings[counts >= 2]
    codes, names = pd.factorize(np.asarray(labels)[counts >= 2], sort=True)
    clean = label_issues.find(embeddings, names[codes])
    print(f"{name}: {len(codes):,} photos, {len(names)} labels; as they are, {len(clean)} named")
    for how, (planted, rows) in {
        "at random": at_random(codes, seed=0),
        "by frequency": by_frequency(codes, seed=0),
        "look-alikes": look_alikes(codes, embeddings, seed=0),
    }.items():
        started = time.perf_counter()
        found = label_issues.find(embeddings, names[planted])
        seconds = time.perf_counter() - started
        named = found["row"].to_numpy()
        hit = np.isin(named, rows)
        right = found["suggested"].to_numpy()[hit] == names[codes[named[hit]]]
        print(
            f"  {len(rows)} wrong labels, {how}: {len(named)} named, recall {hit.sum() / len(rows):.2f}, precision "
            f"{hit.mean():.2f} ({hit[: len(rows)].sum() / len(rows):.2f} among the first {len(rows)}); right label "
            f"suggested for {right.mean():.0%} of those found; {seconds:.1f} s"
        )
        joint = np.isin(confident_learning(embeddings, planted), rows)
        print(
            f"    confident learning's thresholds on the same probabilities: {len(joint)} named, "
            f"recall {joint.sum() / len(rows):.2f}, precision {joint.mean():.2f}"
        )


def scale(count: int, labels: int = 100) -> None:
    """Normal clouds around one centre a label, with planted errors."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, labels, count)
    embeddings = rng.standard_normal((labels, DIMENSIONS), np.float32)[codes]
    for start in range(0, count, 1000):  # in blocks, for the memory's sake
        block = embeddings[start : start + 1000]
        block += 4 * rng.standard_normal(block.shape, np.float32)
    planted, rows = at_random(codes, seed=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    named = label_issues.find(embeddings, [f"label {code}" for code in planted])["row"]
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    hit = np.isin(named, rows)
    print(
        f"{count:,} made-up embeddings, {labels} labels: {seconds:.0f} s, peak {peak:.0f} MiB ({before:.0f} before); "
        f"recall {hit.sum() / len(rows):.2f}, precision {hit.mean():.2f}"
    )


def real(folder: Path) -> None:
    """The two sets of photos."""
    sports = list(images.find(folder / "sports"))
    report("sports", embed(sports), [path.parent.name for path in sports])
    table = pd.read_csv(folder / "everyday" / "labels.csv", dtype=str)
    report("everyday", embed([folder / "everyday" / path for path in table["path"]]), table["label"].tolist())


if __name__ == "__main__":
    if sys.argv[1] == "scale":
        scale(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    else:
        real(Path(sys.argv[1]))
