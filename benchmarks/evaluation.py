"""What looking at models' answers costs: ``python -m benchmarks.evaluation [PHOTOS] [LABELS]``.

Random answers of two models for generated photos, 20,000 of 100 labels unless told otherwise. Each step's median of
five is printed; a page does one or a few of them for each thing that a visitor does.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from har_core import bundle as bundles
from har_core import config
from har_core.bundle import Bundle, BundleInfo, Evaluation, Thresholds
from har_core.datasets import manifest as manifests
from har_core.datasets import store
from har_core.datasets.store import Dataset, DatasetInfo
from har_core.evaluation import charts, comparison, curves, judging, kept, leaks, metrics, report, slices
from har_core.evaluation.judging import Judged

_RUNS = 5
_TRAINED_ON = 16_000


def photos(count: int, labels: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """Rows of a manifest, of photos that are nowhere."""
    hashes = rng.integers(0, 2**64, (count, 2), np.uint64)
    return manifests.from_rows(
        [
            {
                "id": f"{rng.integers(2**62):064x}",
                "path": f"/nowhere/{number}.jpg",
                "label": labels[rng.integers(len(labels))],
                "split": "test",
                "group": str(number),
                "source": f"source{number % 3}",
                "width": 300 + number % 200,
                "height": 200 + number % 300,
                "phash": f"{hashes[number, 0]:016x}",
                "dhash": f"{hashes[number, 1]:016x}",
                "brightness": rng.uniform(0, 255),
                "contrast": rng.uniform(0, 127),
                "sharpness": rng.uniform(0, 2000),
            }
            for number in range(count)
        ]
    )


def dataset(base: pd.DataFrame) -> Dataset:
    """The dataset of these photos."""
    folder = store.root() / "many"
    folder.mkdir(parents=True)
    base.to_parquet(folder / store.MANIFEST)
    info = DatasetInfo(
        name="many",
        created=datetime.now(UTC).isoformat(),
        kind="generated",
        origin="nowhere",
        images=len(base),
        skipped=0,
        images_fingerprint=store.images_fingerprint(base),
    )
    (folder / store.INFO).write_text(info.model_dump_json())
    return Dataset(folder)


def bundle(name: str, labels: list[str], seen: pd.DataFrame, scratch: Path) -> Bundle:
    """A bundle without a network, with a list of what it has seen."""
    files = {file: scratch / file for file in (bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD)}
    for path in files.values():
        path.write_text(name)
    files[bundles.TRAINED_ON] = scratch / bundles.TRAINED_ON
    seen[["id", "phash", "dhash", "split"]].to_csv(files[bundles.TRAINED_ON], index=False)
    return bundles.write(
        config.settings().home / "models" / f"{name}@1",
        files,
        lambda sha256: BundleInfo(
            name=name,
            version=1,
            created="",
            labels=labels,
            input_size=224,
            temperature=1,
            thresholds=Thresholds(confidence=0.7, precision=0.9, energy=3.5),
            evaluation=Evaluation(split="test", n=0, metrics={}),
            dataset={},
            recipe={},
            code_revision="",
            sha256=sha256,
        ),
    )


def answer(model: Bundle, data: Dataset, rng: np.random.Generator) -> None:
    """Keeps random answers, most of them right, for all photos."""
    base, labels = data.base(), model.info.labels
    logits = rng.normal(0, 2, (len(base), len(labels))).astype(np.float32)
    logits[np.arange(len(base)), pd.Categorical(base["label"], categories=labels).codes] += 7
    frame = pd.DataFrame(softmax(logits, axis=1), columns=[f"p{place}" for place in range(len(labels))])
    frame = frame.assign(
        id=base["id"], sure=frame.max(axis=1) >= 0.7, energy=rng.normal(5, 1, len(base)), error=None, seen=False
    )
    file = kept.file_of(model, data)
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(file)


def judged(model: Bundle, data: Dataset) -> Judged:
    """What is kept, which is all there is."""
    found = judging.kept(model, data, "test")
    assert found is not None  # nosec B101
    return found


def timed(title: str, action: Callable[[], object]) -> None:
    """Prints how long it takes."""
    seconds = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    print(f"  {title}: median {statistics.median(seconds) * 1e3:.0f} ms, longest {max(seconds) * 1e3:.0f} ms")


def main(count: int, label_count: int) -> None:
    """Prints the table."""
    rng, labels = np.random.default_rng(0), [f"label_{place}" for place in range(label_count)]
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["HAR_HOME"] = temporary
        config.settings.cache_clear()
        data, seen = dataset(photos(count, labels, rng)), photos(_TRAINED_ON, labels, rng)
        models = [bundle(name, labels, seen, Path(temporary)) for name in ("one", "other")]
        for model in models:
            answer(model, data, rng)
        a, b = (judged(model, data) for model in models)
        answers, bars = a.answers, a.info.thresholds
        print(f"{count} photos, {label_count} labels:")
        timed("kept answers, joined with labels", lambda: judging.kept(models[0], data, "test"))
        timed("leaks, found when a model is asked", lambda: leaks.seen(models[0], data.base()))
        timed("figures with intervals", lambda: metrics.figures(answers))
        timed("confusion matrix", lambda: curves.confusion(answers))
        timed("confused pairs", lambda: curves.confused_pairs(answers))
        timed("label by label", lambda: curves.per_label(answers, labels))
        timed("precision and recall of a label", lambda: curves.precision_recall(answers, 0))
        timed("reliability", lambda: curves.reliability(answers))
        timed("risk and coverage", lambda: curves.risk_coverage(answers, bars.energy))
        timed("operating point", lambda: curves.operating_point(answers, 0.6, bars.energy))
        timed("mistakes", lambda: curves.mistakes(answers))
        timed("slices", lambda: slices.slices(a.clean))
        timed("comparison of two", lambda: comparison.compare(a, b))
        counts = curves.confusion(answers)
        timed("drawing the confusion matrix", lambda: charts.confusion_matrix(counts, labels, True))
        timed("report as JSON", lambda: report.to_dict(a))
        timed("report as HTML", lambda: report.html(a, {}))


if __name__ == "__main__":
    main(*(int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((1, 20_000), (2, 100))))
