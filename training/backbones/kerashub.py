"""Presets of KerasHub (https://keras.io/keras_hub/presets/) as backbones, such as ViT, DINOv2 or SigLIP 2.

KerasHub is an extra: its networks are large, and want a GPU. A network that gives tokens rather than a feature map has
them laid out as the grid of patches that they stand for.
"""

import math
from typing import Any

import keras
from keras import layers

from har_core.errors import BackboneUnavailable


def image_size(preset: str) -> int:
    """Side in pixels of the square input that a preset's weights were trained at.

    Raises:
        BackboneUnavailable: KerasHub is not installed, or the preset cannot be downloaded or names no size.
    """
    size = _converter(preset).image_size
    if not size:
        raise BackboneUnavailable(f"kerashub:{preset} names no image size. Set image_size in the recipe.")
    return int(size[0])


def build(preset: str, image_size: int | None, pretrained: bool) -> keras.Model:
    """Builds a preset's network for images.

    Args:
        preset: A preset's name, a Kaggle or Hugging Face handle, or a folder.
        image_size: Side of the square input in pixels; the preset's own when absent.
        pretrained: Load the preset's weights; random ones otherwise.

    Returns:
        A model from float32 RGB images ``(n, S, S, 3)`` in 0–255 to the last feature map ``(n, h, w, c)``.

    Raises:
        BackboneUnavailable: KerasHub is not installed, the preset cannot be downloaded or is not for images, or it does
            not take that size.
    """
    converter = _converter(preset)
    own = converter.image_size[0] if converter.image_size else None
    # Only where it differs: networks of photos and text, of which the half for photos is taken, know no such option.
    options = {"image_shape": (image_size, image_size, 3)} if image_size not in (None, own) else {}
    try:
        network = library().models.Backbone.from_preset(preset, load_weights=pretrained, **options)
    except Exception as error:  # Of many kinds: the network's, Kaggle's, Hugging Face's, the file's.
        raise BackboneUnavailable(_sentence(preset, error, image_size if options else None)) from error
    network = _visual(network)
    fixed = network.input_shape[1]
    size = image_size or own or fixed
    if not size or fixed not in (None, size):
        only = f"only takes images of {fixed} px" if fixed else "names no image size: set image_size in the recipe"
        raise BackboneUnavailable(f"kerashub:{preset} {only}.")
    scale = layers.Rescaling(
        1.0 if converter.scale is None else converter.scale,
        offset=0.0 if converter.offset is None else converter.offset,
        name="scale",
    )
    inputs = keras.Input((size, size, 3), name="image")
    features = _grid(_behind(scale, network, inputs), size, getattr(network, "patch_size", None))
    if features is None:
        raise BackboneUnavailable(f"kerashub:{preset} gives no feature map of a photo. Take one that is for images.")
    return keras.Model(inputs, features, name="kerashub")


def library() -> Any:
    """The package ``keras_hub``.

    Raises:
        BackboneUnavailable: It is not installed.
    """
    try:
        import keras_hub  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise BackboneUnavailable("Backbones kerashub:… need KerasHub: pip install keras-hub.") from error
    return keras_hub


def _converter(preset: str) -> Any:
    """What a preset says of its preprocessing."""
    converters = library().layers.ImageConverter
    try:
        return converters.from_preset(preset)
    except Exception as error:
        raise BackboneUnavailable(_sentence(preset, error)) from error


def _visual(network: keras.Model) -> keras.Model:
    """The half for photos of a network for photos and text, up to its tokens; another network as it is."""
    network = getattr(network, "vision_encoder", network)
    if len(network.output.shape) == 2 and hasattr(network, "post_layer_norm"):
        # SigLIP pools them with attention.
        return keras.Model(network.inputs, network.post_layer_norm.output)
    return network


def _behind(first: layers.Layer, network: keras.Model, inputs: Any) -> Any:
    """What the network, its layers and weights kept, gives behind another layer, as part of one flat model.

    Nested in another model, the network would be one layer there, and its upper layers could not be trained alone.
    """
    start = first(inputs)
    if not all(map(_can_be_read_back, network.layers)):
        return network(start)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return layer(*keras.tree.map_structure(lambda value: start if value is inputs else value, args), **kwargs)

    plain = keras.Model(network.inputs, network.output)
    tensors = keras.tree.map_structure(lambda _: inputs, plain.input)
    copy = keras.models.clone_model(plain, tensors, clone_function=lambda layer: layer, call_function=call)
    return copy.output


def _can_be_read_back(layer: layers.Layer) -> bool:
    """Whether a layer can be made again from its own description; ViT's first one cannot, only the whole network."""
    try:
        type(layer).from_config(layer.get_config())
    except (TypeError, ValueError):
        return False
    return True


def _grid(features: Any, size: int, patch: int | tuple[int, int] | None) -> Any | None:
    """A feature map ``(n, h, w, c)`` as it is; tokens ``(n, t, c)`` as a grid of patches; None: neither."""
    shape: tuple[Any, ...] = getattr(features, "shape", ())
    if len(shape) == 4:
        return features
    if len(shape) != 3 or shape[1] is None:
        return None
    # Tokens of other kinds (class, registers) come first. How many the network says it has may be wrong (SigLIP).
    side = size // (patch if isinstance(patch, int) else patch[0]) if patch else 0
    if not 0 < side**2 <= shape[1]:
        side = math.isqrt(shape[1])
    return layers.Reshape((side, side, shape[2]), name="grid")(features[:, -(side**2) :])


def _sentence(preset: str, error: Exception, size: int | None = None) -> str:
    wanted = f" for images of {size} px; it may only take its own size" if size else ""
    return (
        f"kerashub:{preset} cannot be loaded{wanted} ({' '.join(str(error).split())[:300]}). Look its name up at "
        "keras.io/keras_hub/presets, and connect this machine to the internet."
    )
