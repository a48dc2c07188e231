"""A Keras network that takes photos → LiteRT, in three precisions."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from har_core.bundle import Precision
from har_core.errors import TrainingError

_LARGEST_SCALE = 1e30


def convert(model: keras.Model, precision: Precision, photos: npt.NDArray[np.uint8] | None = None) -> bytes:
    """Converts a network for one photo at a time; its input stays uint8 and its outputs float32 in all precisions.

    Args:
        model: From uint8 ``(n, S, S, 3)`` to a dict of outputs.
        precision: ``float32``; ``float16``: weights of half the size, computed in float32; ``int8``: weights (per
            channel) and activations in 8 bits.
        photos: Examples of what it will see, to measure the activations' ranges on; uint8 ``(n, S, S, 3)``. Needed for
            ``int8``, and used for nothing else.

    Returns:
        The content of a ``.tflite`` file, with the outputs' names in its signature.

    Raises:
        ValueError: ``int8`` without photos.
        TrainingError: ``int8``, and the network computes with values that 8 bits cannot stand for.
    """
    examples = photos if photos is not None else np.empty((0,), np.uint8)
    if precision == "int8" and not len(examples):
        raise ValueError("int8 needs photos to measure the activations' ranges on")
    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.uint8, name="image")
    # With its weights as constants: the converter would write variables to disk and read them back, which takes twice
    # as long as all else together.
    weights = [
        [variable.numpy() for variable in kind] for kind in (model.trainable_variables, model.non_trainable_variables)
    ]
    function = tf.function(
        lambda image: model.stateless_call(*weights, image, training=False)[0], autograph=False
    ).get_concrete_function(signature)
    # Without an object, even an empty one, the outputs would lose their names.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        converter.representative_dataset = lambda: ({"image": photo[None]} for photo in examples)
    with _quiet():
        content: bytes = converter.convert()
    if precision == "int8":
        _require_sane_ranges(content)
    return content


def _require_sane_ranges(content: bytes) -> None:
    """Refuses what would end the process as soon as the runtime makes room for it.

    Networks that pad with minus infinity before pooling, as KerasHub's ResNets do, have such ranges.
    """
    details = Interpreter(model_content=content).get_tensor_details()
    scales = np.concatenate([detail["quantization_parameters"]["scales"] for detail in details])
    if not (scales < _LARGEST_SCALE).all():
        raise TrainingError('This network cannot be computed in 8 bits. Set precision = "float16" in the recipe.')


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps off the log what the converter says, also in C++, straight to file descriptor 2; unless it fails."""
    with tempfile.TemporaryFile() as said, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            _say(said, kept)
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _say(said: IO[bytes], descriptor: int) -> None:
    said.seek(0)
    os.write(descriptor, said.read())
