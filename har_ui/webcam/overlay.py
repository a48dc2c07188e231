"""Draws on the camera's picture what the model says of it."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from har_core.images import RGBImage
from har_ui.page import label_text
from har_ui.webcam.classifier import TOP, Result

_SURE = "#2dd4bf"
_UNSURE = "#fbbf24"
_REST = "#94a3b8"
_TEXT = "#ffffff"
_LONGEST = 22  # Letters of a label that have room.


def panel(result: Result, rate: float, side: int) -> RGBImage:
    """The label, its decision, the best labels with bars, and the frame rate: bright on black, to be laid on a picture.

    Args:
        result: What to show.
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
    colour = _SURE if result.decision == "sure" else _UNSURE
    draw.text((unit, unit // 2), _short(result.top[0].label), _TEXT, large)
    draw.text((unit, unit * 5 // 2), f"{result.decision} · {rate:.0f} frames/s", colour, small)
    for row, item in enumerate(result.top):
        top = unit * (9 + 4 * row) // 2
        draw.text((unit, top), f"{_short(item.label)} {item.score:.0%}", _TEXT, small)
        bar = top + unit * 5 // 4
        draw.rectangle((unit, bar, unit + 15 * unit * item.score, bar + unit // 3), colour if row == 0 else _REST)
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
