"""Draws on the camera's picture what the model says of it."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from har_core import palette
from har_core.images import RGBImage
from har_core.labels import label_text
from har_ui.webcam.classifier import TOP, Result

_TEXT = "white"
_LONGEST = 22  # Letters of a label that have room.


def panel(result: Result, labels: Sequence[str], rate: float, side: int) -> RGBImage:
    """The label, its decision, the best labels with bars, and the frame rate: bright on black, to be laid on a picture.

    A bar has its action's colour; that of the best label is hollow as long as the model is unsure.

    Args:
        result: What to show.
        labels: All of the model, in their order.
        rate: Frames classified a second.
        side: Shorter side of the picture, pixels; the panel is sized to it.

    Returns:
        uint8 RGB, not larger than the picture.
    """
    unit = max(8, side // 24)
    small, large = _font(unit), _font(unit * 3 // 2)
    width, height = unit * 17, unit * (5 + 2 * TOP)
    picture = Image.new("RGB", (min(width, side), min(height, side)))
    draw = ImageDraw.Draw(picture)
    looks = palette.styles([item.label for item in result.top], labels)
    is_sure = result.decision == "sure"
    decision = palette.lighter(palette.SURE if is_sure else palette.UNSURE)
    draw.text((unit, unit // 2), _short(result.top[0].label), _TEXT, large)
    draw.text((unit, unit * 5 // 2), f"{result.decision} · {rate:.0f} frames/s", decision, small)
    for row, item in enumerate(result.top):
        top = unit * (9 + 4 * row) // 2
        draw.text((unit, top), f"{_short(item.label)} {item.score:.0%}", _TEXT, small)
        bar = top + unit * 5 // 4
        colour = palette.lighter(looks[item.label].colour)
        fill = colour if is_sure or row else None
        draw.rectangle((unit, bar, unit + 15 * unit * item.score, bar + unit // 3), fill, colour, max(1, unit // 12))
    return np.asarray(picture)


def lay(panel: RGBImage, picture: RGBImage) -> None:
    """Lays a panel on a picture's lower left corner, in place: what is below it goes dim, so that it can be read."""
    corner = picture[-panel.shape[0] :, : panel.shape[1]]
    np.right_shift(corner, 2, out=corner)
    np.maximum(corner, panel[-corner.shape[0] :, : corner.shape[1]], out=corner)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _short(label: str) -> str:
    text = label_text(label)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
