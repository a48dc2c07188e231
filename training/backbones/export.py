"""``python -m training.backbones.export DATASET``: the frozen ImageNet backbone that ships for embeddings, as LiteRT.

``har_core.embedding`` describes and runs it. The ranges of its activations are measured on photos of the dataset.
"""

import sys

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers

from har_core.datasets import cache, store
from har_core.embedding import BACKBONE
from har_core.files import write_beside
from training.backbones import efficientnet_lite

_NETWORK = "efficientnet_lite0"
_CALIBRATED_ON = 200


def embedder(backbone: str) -> keras.Model:
    """A backbone with its ImageNet weights and its last feature map averaged over all positions.

    Args:
        backbone: A key of ``efficientnet_lite.VARIANTS``.

    Returns:
        A model from uint8 images ``(n, S, S, 3)`` to ``embedding``, float32 ``(n, 1280)``.
    """
    features = efficientnet_lite.pretrained(backbone)
    inputs = keras.Input(features.input_shape[1:], dtype="uint8", name="image")
    maps = features(layers.Rescaling(1.0, name="to_float")(inputs), training=False)
    outputs = {"embedding": layers.GlobalAveragePooling2D(name="embedding")(maps)}
    return keras.Model(inputs, outputs, name="embedder")


def to_tflite(model: keras.Model, photos: npt.NDArray[np.uint8]) -> bytes:
    """Converts to LiteRT with 8-bit weights and activations, which makes it twice as fast; the embedding is float32.

    Args:
        model: As made by ``embedder``.
        photos: Examples of what it will see, to measure the activations' ranges on; uint8 ``(n, S, S, 3)``.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([photo[None]] for photo in photos)
    content: bytes = converter.convert()
    return content


def main(name: str) -> None:
    """Exports the network, calibrated on photos of a dataset."""
    model = embedder(_NETWORK)
    photos = cache.pixels(store.load(name), model.input_shape[1])
    rows = np.random.default_rng(0).permutation(len(photos))[:_CALIBRATED_ON]
    content = to_tflite(model, photos[np.sort(rows)])
    write_beside(BACKBONE, lambda path: path.write_bytes(content))
    print(BACKBONE)


if __name__ == "__main__":
    main(sys.argv[1])
