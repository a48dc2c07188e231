"""The forms that a network could serve in: converted, compared with Keras, measured on the validation photos."""

import logging
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import softmax

from har_core import bundle as bundles
from har_core.bundle import Export, Precision
from har_core.errors import TrainingError
from har_core.images import RGBImage
from har_core.litert import Network
from har_core.progress import Progress
from training import export
from training.selection import Indices, Selection

log = logging.getLogger(__name__)

# Cheapest first.
_FORMS: tuple[Precision, ...] = ("int8", "float16", "float32")
# How much of the validation accuracy a cheaper form may cost.
_ALLOWED_LOSS = 0.005
_COMPARED = 32
_CALIBRATED_ON = 200
_TIMED = 30

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        model: As made by ``network.build``.
        selection: What it was trained on.
        base: The dataset's manifest as it was imported.
        photo: Row of the dataset → uint8 ``(S, S, 3)``.
        revision: Of the code.
        both_ways: As for ``network.serving``.
    """

    model: keras.Model
    selection: Selection
    base: pd.DataFrame
    photo: Callable[[int], RGBImage]
    revision: str
    both_ways: bool

    @property
    def input_size(self) -> int:
        """Side of the network's input, pixels."""
        return int(self.model.input_shape[1])


@dataclass(frozen=True)
class Form:
    """The network in one precision, with its logits on the validation split."""

    content: bytes
    logits: Floats
    record: Export


def tried(wanted: Precision | Literal["auto"], trained: Trained, progress: Progress) -> list[Form]:
    """Converts a network to the precision that is wanted, or to each, cheapest first, and measures it on validation.

    Raises:
        TrainingError: LiteRT and Keras give different answers.
    """
    precisions = _FORMS if wanted == "auto" else (wanted,)
    found = []
    for place, precision in enumerate(precisions):
        progress(place, len(precisions), f"converting to {precision}")
        found.append(_form(precision, trained))
        log.info("%s", found[-1].record)
    return found


def _form(precision: Precision, trained: Trained) -> Form:
    val = trained.selection.parts["val"]
    photos = _examples(trained) if precision == "int8" else None
    content = export.to_tflite(trained.model, precision, photos, trained.both_ways)
    logits = _logits(Network(content), trained.photo, val.rows)
    record = Export(
        precision=precision,
        size=len(content),
        accuracy=float((logits.argmax(axis=1) == val.truth).mean()),
        milliseconds=_milliseconds(content, trained),
        parity=_parity(precision, trained, logits),
    )
    return Form(content, logits, record)


def _examples(trained: Trained) -> npt.NDArray[np.uint8]:
    """Photos to measure the activations' ranges on."""
    some = np.random.default_rng(0).permutation(trained.selection.parts["train"].rows)[:_CALIBRATED_ON]
    return np.stack([trained.photo(row) for row in some])


def cheapest_as_good(forms: list[Form]) -> Form:
    """The first form, cheapest first, that is hardly less accurate than the dearest."""
    enough = forms[-1].record.accuracy - _ALLOWED_LOSS
    return next(form for form in forms if form.record.accuracy >= enough)


def _logits(network: Network, photo: Callable[[int], RGBImage], rows: Indices) -> Floats:
    with ThreadPoolExecutor(network.threads) as pool:
        return np.stack(list(pool.map(lambda row: network.run(photo(row))["logits"], rows)))


def _milliseconds(content: bytes, trained: Trained) -> float:
    network, photo = Network(content, threads=1), trained.photo(int(trained.selection.parts["val"].rows[0]))
    seconds = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        network.run(photo)
        seconds.append(time.perf_counter() - started)
    return round(1000 * statistics.median(seconds), 2)


def _parity(precision: Precision, trained: Trained, logits: Floats) -> float:
    """The largest difference of a probability from Keras's.

    Raises:
        TrainingError: It is more than that precision explains.
    """
    rows = trained.selection.parts["val"].rows[:_COMPARED]
    photos = np.stack([trained.photo(row) for row in rows]).astype(np.float32)
    expected = trained.model.predict_on_batch(photos)
    if trained.both_ways:
        expected = (expected + trained.model.predict_on_batch(photos[:, :, ::-1])) / 2
    difference = float(np.abs(softmax(expected, axis=1) - softmax(logits[: len(rows)], axis=1)).max())
    log.info("parity in %s: largest difference of a probability %.2g on %d photos", precision, difference, len(rows))
    if not difference <= bundles.PARITY[precision]:
        raise TrainingError(
            f"The network converted to {precision} answers differently than the one trained: a probability differs by "
            f"{difference:.2g}, more than {bundles.PARITY[precision]:g}."
        )
    return difference
