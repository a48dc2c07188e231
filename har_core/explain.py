"""Where the model looked: a class-activation map laid over the photo."""

from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from har_core.images import RGBImage, decode

# Anchors of the "inferno" colour map (Smith and van der Walt 2015), dark to bright: monotone in lightness, so it can be
# read without seeing hue.
_COLOURS = np.array(
    [
        *((0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99)),
        *((212, 72, 66), (245, 125, 21), (250, 193, 39), (252, 255, 164)),
    ]
)
_STRENGTH = 0.65
_SHOWN_SIDE = 480


def heat_map(class_map: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scales a class-activation map to 0–1; what speaks against the label counts as 0.

    Args:
        class_map: Logits by position ``(h, w)``.

    Returns:
        float32 ``(h, w)``; all 0 where nothing speaks for the label.
    """
    positive = np.maximum(class_map, 0)
    highest = positive.max()
    return positive / highest if highest > 0 else positive


def picture(payload: bytes, class_map: npt.NDArray[np.float32]) -> RGBImage:
    """Decodes a photo at a size that people can look at, and lays the map over it.

    Raises:
        ImageError: As ``images.decode``.
    """
    return overlay(decode(payload, min_side=_SHOWN_SIDE), class_map)


def overlay(image: RGBImage, class_map: npt.NDArray[np.float32]) -> RGBImage:
    """Lays a class-activation map over its photo: bright where the model found evidence for the label.

    Args:
        image: uint8 ``(H, W, 3)``.
        class_map: Logits by position ``(h, w)``, as in ``Prediction.class_map``.

    Returns:
        uint8 ``(H, W, 3)``.
    """
    height, width = image.shape[:2]
    small = Image.fromarray(heat_map(class_map))
    heat = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    positions = np.linspace(0, 1, len(_COLOURS))
    colours = np.stack([np.interp(heat[..., 0], positions, channel) for channel in _COLOURS.T], axis=-1)
    weight = _STRENGTH * heat
    dimmed = image * 0.75
    return cast(RGBImage, (dimmed * (1 - weight) + colours * weight).clip(0, 255).astype(np.uint8))
