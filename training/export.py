"""A trained Keras model → the LiteRT network that serves it."""

import keras
import tensorflow as tf

from training import network


def to_tflite(model: keras.Model) -> bytes:
    """Converts to LiteRT in float32, with the input and outputs that ``har_core.predictor`` asks for.

    Args:
        model: As made by ``network.build``.

    Returns:
        The content of a ``.tflite`` file.
    """
    content: bytes = tf.lite.TFLiteConverter.from_keras_model(network.serving(model)).convert()
    return content
