"""``python -m training.backbones.export``: the frozen ImageNet backbone that ships for embeddings, as LiteRT.

``har_core.embedding`` describes and runs it.
"""

import keras
import tensorflow as tf
from keras import layers

from har_core.embedding import BACKBONE
from har_core.files import write_beside
from training.backbones import efficientnet_lite


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


def to_tflite(model: keras.Model) -> bytes:
    """Converts to LiteRT with float16 weights, which halves the file; LiteRT computes in float32 all the same."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    content: bytes = converter.convert()
    return content


if __name__ == "__main__":
    content = to_tflite(embedder(BACKBONE.stem))
    write_beside(BACKBONE, lambda path: path.write_bytes(content))
    print(BACKBONE)
