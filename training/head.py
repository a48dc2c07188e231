"""The head: logistic regression on the backbone's embeddings; and how a network is judged by its logits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from har_core.evaluation import calibration
from training.recipe import Head
from training.runs import Epoch

Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]


def fit(embeddings: Floats, truth: Indices, options: Head) -> tuple[Floats, Floats]:
    """Logistic regression on the backbone's embeddings.

    Args:
        embeddings: float32 ``(n, d)``.
        truth: Label indices ``(n,)``; every label occurs.
        options: How strongly to regularise.

    Returns:
        Kernel ``(d, labels)`` and bias ``(labels,)``.
    """
    regression = LogisticRegression(C=options.regularization, max_iter=500, class_weight="balanced")
    regression.fit(embeddings, truth)
    kernel, bias = regression.coef_.T, regression.intercept_
    if kernel.shape[1] == 1:  # For two labels scikit-learn gives only the second one's advantage.
        kernel, bias = np.hstack([-kernel, kernel]) / 2, np.hstack([-bias, bias]) / 2
    return kernel.astype(np.float32), bias.astype(np.float32)


def first_epoch(train: tuple[Floats, Indices], val: tuple[Floats, Indices], labels: Sequence[str]) -> Epoch:
    """The figures of the head alone, as epoch 0.

    Args:
        train: Logits ``(n, labels)`` and label indices ``(n,)``.
        val: The same of the validation photos.
        labels: Names of the labels.
    """
    logits, truth = train
    return Epoch(
        epoch=0,
        phase=0,
        loss=float(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean()),
        accuracy=float((logits.argmax(axis=1) == truth).mean()),
        learning_rate=0,
        seconds=0,
        best=True,
        **judge(*val, labels),
    )


def judge(logits: Floats, truth: Indices, labels: Sequence[str]) -> dict[str, Any]:
    """The validation figures of ``runs.Epoch``.

    The loss is that after temperature scaling, as the model will be served: otherwise a network that has become too
    sure of itself, which scaling mends, would pass for one that has become worse.

    Args:
        logits: ``(n, labels)``.
        truth: Label indices ``(n,)``.
        labels: Their names.
    """
    found = logits.argmax(axis=1)
    scaled = log_softmax(logits / calibration.fit_temperature(logits, truth), axis=1)
    return {
        "val_loss": float(-scaled[np.arange(len(truth)), truth].mean()),
        "val_accuracy": float((found == truth).mean()),
        "val_macro_f1": float(f1_score(truth, found, labels=range(len(labels)), average="macro", zero_division=0)),
        "recall": {
            label: float((found[truth == index] == index).mean()) if (truth == index).any() else 0.0
            for index, label in enumerate(labels)
        },
    }
