"""A trained Keras model → the LiteRT network that serves it."""

import keras
import numpy as np
import numpy.typing as npt

from har_core.bundle import Precision
from training import network
from training.backbones import litert


def to_tflite(
    model: keras.Model,
    precision: Precision = "float32",
    photos: npt.NDArray[np.uint8] | None = None,
    both_ways: bool = False,
) -> bytes:
    """Converts to LiteRT, with the input and outputs that ``har_core.predictor`` asks for in every precision.

    Args:
        model: As made by ``network.build``.
        precision: As in ``litert.convert``.
        photos: Of the training split, uint8 ``(n, S, S, 3)``; needed for ``int8``.
        both_ways: As in ``network.serving``.

    Returns:
        The content of a ``.tflite`` file.

    Raises:
        ValueError: ``int8`` without photos.
        TrainingError: ``int8``, and the network computes with values that 8 bits cannot stand for.
    """
    return litert.convert(network.serving(model, both_ways), precision, photos)
