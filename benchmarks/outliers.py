"""Which score tells photos of nothing on the list best from the others.

``python -m benchmarks.outliers MODEL DATASET OUTLIERS``: a model's answers for the validation split of the dataset that
it was trained on, against those for a dataset of outliers. Prints each score's AUROC, and beside it how well the same
score tells the model's right answers from its wrong ones.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from har_core import scores, serving
from har_core.datasets import cache, store
from har_core.evaluation import metrics
from har_core.litert import Floats
from har_core.predictor import Predictor
from training.recipe import Recipe
from training.selection import select

_NEIGHBOURS = 10


@dataclass(frozen=True)
class Outputs:
    """Of the network: logits ``(n, labels)`` and embeddings ``(n, d)``."""

    logits: Floats
    embeddings: Floats


def ask(predictor: Predictor, paths: Sequence[str]) -> Outputs:
    """The network's outputs for photos."""
    with ThreadPoolExecutor(predictor.threads) as pool:
        found = list(pool.map(lambda path: predictor._run(cache.square(path, predictor.input_size)), paths))
    return Outputs(np.stack([one.logits for one in found]), np.stack([one.embedding for one in found]))


def nearness(known: Floats) -> Callable[[Outputs], Floats]:
    """Cosine similarity to the tenth nearest photo trained on (Sun et al. 2022, https://arxiv.org/abs/2204.06507)."""
    index = NearestNeighbors(n_neighbors=_NEIGHBOURS, metric="cosine").fit(known)
    return lambda outputs: 1 - index.kneighbors(outputs.embeddings)[0][:, -1]


def main(model: str, name: str, outliers: str) -> None:
    """Prints the table."""
    predictor, dataset = Predictor(serving.find(model)), store.load(name)
    info = predictor.bundle.info
    selection = select(dataset, Recipe().min_photos)
    paths = dataset.base()["path"]
    train, val = (ask(predictor, paths[selection.parts[part].rows].tolist()) for part in ("train", "val"))
    strange = ask(predictor, store.load(outliers).base()["path"].tolist())
    labels = selection.manifest.loc[selection.parts["val"].rows, "label"]
    truth = pd.Categorical(labels, categories=info.labels).codes
    right = val.logits.argmax(axis=1) == truth
    tried: dict[str, Callable[[Outputs], Floats]] = {
        "confidence (Hendrycks and Gimpel 2017)": lambda out: scores.probabilities(out.logits, info.temperature).max(1),
        "max logit (Hendrycks et al. 2022)": lambda out: out.logits.max(axis=1),
        "energy (Liu et al. 2020)": lambda out: np.asarray(scores.energy(out.logits), np.float32),
        "10th nearest photo (Sun et al. 2022)": nearness(train.embeddings),
    }
    print(f"{info.name}@{info.version}: {len(val.logits)} validation photos against {len(strange.logits)} outliers")
    for title, score in tried.items():
        found = metrics.auroc(score(val), score(strange))
        print(
            f"  {title}: AUROC {found.value:.3f} ({found.low:.3f}-{found.high:.3f}); right from wrong answers "
            f"{roc_auc_score(right, score(val)):.3f}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:4])
