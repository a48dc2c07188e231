"""The network: a backbone, global average pooling, one dense head."""

import keras
from keras import layers

from training.backbones import efficientnet_lite


def build(backbone: str, image_size: int, labels: int, dropout: float) -> keras.Model:
    """A pretrained backbone under a new head.

    The backbone's batch normalisation keeps its ImageNet statistics, also in training: small sets give poor ones.

    Returns:
        A model from float32 images ``(n, S, S, 3)`` in 0–255 to logits ``(n, labels)``.
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    features = efficientnet_lite.pretrained(backbone, image_size)(inputs, training=False)
    embedding = layers.GlobalAveragePooling2D(name="embedding")(features)
    x = layers.Dropout(dropout, name="dropout")(embedding)
    return keras.Model(inputs, layers.Dense(labels, name="head")(x), name="recognizer")


def backbone_of(model: keras.Model) -> keras.Model:
    """The backbone inside ``build``'s model."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def embedder(model: keras.Model) -> keras.Model:
    """The part of ``build``'s model up to the embedding ``(n, d)``."""
    return keras.Model(model.inputs, model.get_layer("embedding").output)


def serving(model: keras.Model) -> keras.Model:
    """The network as it is served (see ``har_core.predictor``), with the weights of ``build``'s model.

    The head moves in front of the pooling, as a 1x1 convolution: both are linear, so the logits stay the same, and what
    is pooled are the class-activation maps.

    Returns:
        A model from uint8 images ``(n, S, S, 3)`` to ``logits``, ``class_maps`` and ``embedding``.
    """
    backbone = backbone_of(model)
    inputs = keras.Input(model.input_shape[1:], dtype="uint8", name="image")
    features = backbone(layers.Rescaling(1.0, name="to_float")(inputs), training=False)
    kernel, bias = model.get_layer("head").get_weights()
    head = layers.Conv2D(len(bias), 1, name="class_maps")
    class_maps = head(features)
    head.set_weights([kernel[None, None], bias])
    pool = layers.GlobalAveragePooling2D
    outputs = {
        "logits": pool(name="logits")(class_maps),
        "class_maps": class_maps,
        "embedding": pool(name="embedding")(features),
    }
    return keras.Model(inputs, outputs, name="served_recognizer")
