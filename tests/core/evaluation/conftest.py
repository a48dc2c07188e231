"""Datasets of even images whose colours are their labels, and judgements made by hand."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from har_core import bundle as bundles
from har_core.bundle import Bundle
from har_core.datasets import ingest
from har_core.datasets.sources import table
from har_core.evaluation.judging import Judged, Part
from har_core.evaluation.metrics import Answers
from tests.conftest import TINY_LABELS, tiny_info

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (120, 120, 120)}


@pytest.fixture
def make(tmp_path):
    """Makes a dataset of one photo for each pair of colour and label, alternately of val and test."""

    def dataset(name, *pairs):
        lines = ["path,label,split"]
        for number, (colour, label) in enumerate(pairs):
            path = tmp_path / f"{name}-{number}.png"
            Image.new("RGB", (20 + number, 20), COLOURS[colour]).save(path)
            lines.append(f"{path.name},{label},{('val', 'test')[number % 2]}")
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
        return ingest.ingest(name, table.read(tmp_path / f"{name}.csv"))

    return dataset


@pytest.fixture
def rewritten(tiny_bundle, tmp_path):
    """Writes the tiny model anew: with other facts in its description, or a list of what it has seen."""

    def write(version, seen=None, **changes) -> Bundle:
        files = {name: tiny_bundle.folder / name for name in tiny_bundle.info.sha256}
        if seen is not None:
            files[bundles.TRAINED_ON] = tmp_path / bundles.TRAINED_ON
            files[bundles.TRAINED_ON].write_text(seen if isinstance(seen, str) else seen.to_csv(index=False))
        folder = tmp_path / "models" / f"tiny@{version}"
        return bundles.write(folder, files, lambda sha256: tiny_info(sha256, version=version, **changes))

    return write


def random_answers(n, labels, seed=0, skill=1.5) -> Answers:
    """Answers of a model that is often right."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, n)
    logits = rng.normal(0, 1, (n, labels))
    logits[np.arange(n), truth] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Answers(probabilities.astype(np.float32), truth, probabilities.max(axis=1) > 0.6, rng.normal(5, 1, n))


def photos_of(truth, labels, rows=None, **columns) -> pd.DataFrame:
    """Rows of a manifest with these labels; the photos are nowhere."""
    n = len(truth)
    values = {
        "id": [f"{row:064x}" for row in range(n)],
        "path": [f"/nowhere/{row}.jpg" for row in range(n)],
        "label": np.array(labels)[truth],
        "source": "a",
        "width": 100,
        "height": 100,
        "brightness": np.linspace(0, 200, n),
        "sharpness": 5.0,
    }
    return pd.DataFrame({**values, **columns}, index=range(n) if rows is None else rows)


def judged(answers, labels=TINY_LABELS, name="tiny", **changes) -> Judged:
    """A judgement as ``judging.judge`` would give it."""
    info = tiny_info({}, name=name, labels=list(labels))
    photos = changes.pop("photos", None)
    part = Part(photos_of(answers.truth, labels) if photos is None else photos, answers)
    values = {
        "model": f"{name}@1",
        "info": info,
        "dataset": "some",
        "split": "test",
        "fingerprint": "0" * 64,
        "clean": part,
        "leaked": None,
        "leaks_known": True,
        "unknown": {},
        "unreadable": {},
    }
    return Judged(**{**values, **changes})
