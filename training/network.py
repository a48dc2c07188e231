"""The network: a backbone, global average pooling, one dense head."""

import tempfile
from pathlib import Path

import keras
from keras import layers

from har_core import bundle as bundles
from har_core import serving as models
from har_core.errors import BackboneUnavailable, RecipeInvalid
from training import backbones
from training.recipe import Recipe


def build(backbone: str, image_size: int, labels: int, dropout: float, start: str = "imagenet") -> keras.Model:
    """A backbone under a new head.

    The backbone's batch normalisation keeps its ImageNet statistics, also in training: small sets give poor ones.

    Args:
        backbone: Its name, as for ``backbones.build``.
        image_size: Side of the square input, pixels.
        labels: How many.
        dropout: Share of the embedding left out at random in training, 0–1.
        start: Where its weights come from: ``imagenet``, ``random``, or a model of ours.

    Returns:
        A model from float32 images ``(n, S, S, 3)`` in 0–255 to logits ``(n, labels)``.

    Raises:
        BackboneUnavailable: There is no such backbone, its weights cannot be had, or it does not take that size.
        ModelError: There is no such model to start from, or it is damaged.
        RecipeInvalid: That model has another backbone.
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    # Pretrained also where other weights follow: Keras leaves layers out of networks that are not.
    body = backbones.build(backbone, image_size, pretrained=start != "random")
    if start not in ("imagenet", "random"):
        body.set_weights(backbone_of(load(start, backbone)).get_weights())
    for layer in body.layers:
        if isinstance(layer, layers.BatchNormalization):
            # In ``fit``, Keras passes training=True on to the layers of a nested model, whatever it was called with.
            layer.trainable = False
    embedding = layers.GlobalAveragePooling2D(name="embedding")(body(inputs, training=False))
    x = layers.Dropout(dropout, name="dropout")(embedding)
    # In float32 also in half precision: probabilities need its range.
    return keras.Model(inputs, layers.Dense(labels, dtype="float32", name="head")(x), name="recognizer")


def load(reference: str, backbone: str) -> keras.Model:
    """Loads a model of ours for further training.

    Args:
        reference: As for ``har_core.serving.find``.
        backbone: The one that it has to have.

    Raises:
        ModelError: There is no such model, or it is damaged.
        RecipeInvalid: It has another backbone.
    """
    bundle = models.find(reference)
    if bundle.info.recipe.get("backbone") != backbone:
        raise RecipeInvalid(
            f"The model {reference} has the backbone {bundle.info.recipe.get('backbone')}, not {backbone}: its weights "
            "do not fit. Set the recipe's backbone to that, or start from another model."
        )
    with tempfile.TemporaryDirectory() as folder:
        # What is loaded is what was checked, whatever happens to the bundle meanwhile.
        file = Path(folder) / bundles.KERAS
        file.write_bytes(bundle.read(bundles.KERAS))
        model: keras.Model = keras.saving.load_model(file)
    return model


def resized(model: keras.Model, image_size: int, recipe: Recipe) -> keras.Model:
    """The same network for photos of another size.

    Args:
        model: As made by ``build``.
        image_size: Side of the square input, pixels.
        recipe: The one it was made by.

    Raises:
        BackboneUnavailable: The backbone does not take that size, or has other weights at another size.
    """
    start = "random" if recipe.start == "random" else "imagenet"
    other = build(recipe.backbone, image_size, model.output_shape[-1], recipe.regularization.dropout, start)
    try:
        other.set_weights(model.get_weights())
    except ValueError as error:
        raise BackboneUnavailable(
            f"What {recipe.backbone} learns at one size does not fit another: leave serving_size out of the recipe."
        ) from error
    return other


def backbone_of(model: keras.Model) -> keras.Model:
    """The backbone inside ``build``'s model."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def in_half_precision(model: keras.Model) -> keras.Model:
    """The same network, computing in bfloat16 where that is safe; its weights stay float32.

    Source: Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740; bfloat16 needs none of its loss scaling.
    """
    copy = keras.models.clone_model(model, clone_function=_in_bfloat16, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def _in_bfloat16(layer: layers.Layer) -> layers.Layer:
    config = layer.get_config()
    if not isinstance(layer, keras.Model) and layer.name != "head":
        config["dtype"] = "mixed_bfloat16"
    return type(layer).from_config(config)


def without_optimizer(model: keras.Model) -> keras.Model:
    """The same network without the optimiser's state, which is three times as large; itself where it has none."""
    if not model.compiled:
        return model
    bare = keras.Model.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    return bare


def embedder(model: keras.Model) -> keras.Model:
    """The part of ``build``'s model up to the embedding ``(n, d)``."""
    return keras.Model(model.inputs, model.get_layer("embedding").output)


def serving(model: keras.Model, both_ways: bool = False) -> keras.Model:
    """The network as it is served (see ``har_core.predictor``), with the weights of ``build``'s model.

    The head moves in front of the pooling, as a 1x1 convolution: both are linear, so the logits stay the same, and what
    is pooled are the class-activation maps.

    Args:
        model: As made by ``build``.
        both_ways: It looks at each image and at its mirror image. The features that are turned back and averaged give
            the mean of the two answers, since all that follows is linear.

    Returns:
        A model from uint8 images ``(n, S, S, 3)`` to ``logits``, ``class_maps`` and ``embedding``.
    """
    backbone = backbone_of(model)
    inputs = keras.Input(model.input_shape[1:], dtype="uint8", name="image")
    images = layers.Rescaling(1.0, name="to_float")(inputs)
    features = backbone(images, training=False)
    if both_ways:
        mirrored = keras.ops.flip(backbone(keras.ops.flip(images, axis=2), training=False), axis=2)
        features = layers.Average(name="both_ways")([features, mirrored])
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
