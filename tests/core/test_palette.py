"""Colours can be told apart: on both backgrounds, and by people who see colours differently."""

import itertools
import tomllib

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from har_core import palette
from har_core.config import PROJECT_ROOT

THEME = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text())["theme"]
GRAPHICS = {*palette.COLOURS, *palette.SPLITS.values(), palette.SURE, palette.UNSURE, palette.NEUTRAL, palette.BAD}
# What people without one kind of cone see of linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour: str):
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """Of WCAG 2."""
    low, high = sorted(linear(colour) @ (0.2126, 0.7152, 0.0722) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def blend(above: str, below: str, opacity: float) -> str:
    channels = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in (above, below)]
    return "#" + "".join(f"{round(opacity * a + (1 - opacity) * b):02x}" for a, b in zip(*channels, strict=True))


def difference(first: str, second: str, sight: str) -> float:
    """CIEDE2000 of what is seen."""
    seen = np.clip([SIGHT[sight] @ linear(colour) for colour in (first, second)], 0, 1)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return float(deltaE_ciede2000(*rgb2lab(encoded)))


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    ("colours", "least"),
    [
        (palette.COLOURS, 12),
        ((palette.SURE, palette.UNSURE, palette.NEUTRAL, palette.BAD), 12),
        (palette.SPLITS.values(), 15),
    ],
)
def test_colours_stay_apart_whatever_one_sees(sight, colours, least):
    worst = min((difference(*pair, sight), pair) for pair in itertools.combinations(colours, 2))
    assert worst[0] >= least, worst


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_graphics_stand_out_from_the_background(theme):
    worst = min((contrast(colour, THEME[theme]["backgroundColor"]), colour) for colour in GRAPHICS)
    assert worst[0] >= 3, worst


def test_an_action_looks_the_same_in_every_chart_of_a_model():
    labels = [f"label_{place:02}" for place in range(19)]
    everything = palette.styles(labels, labels)
    assert len(set(everything.values())) == 19
    assert palette.styles(labels[7:9], labels) == {label: everything[label] for label in labels[7:9]}


def test_actions_that_share_a_look_get_another_one_side_by_side():
    labels = [f"label_{place:03}" for place in range(100)]
    chosen = [labels[0], labels[len(palette.STYLES)]]
    assert palette.styles(chosen[1:], labels)[chosen[1]] == palette.STYLES[0]
    first, second = palette.styles(chosen, labels).values()
    assert first == palette.STYLES[0] != second
    assert len(palette.styles(labels, labels)) == 100


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_every_background(theme):
    colours = THEME[theme]
    main, second = colours["backgroundColor"], colours["secondaryBackgroundColor"]
    pairs = [(colours[name], below) for name in ("primaryColor", "textColor", "linkColor") for below in (main, second)]
    pairs += [(blend(colours["textColor"], below, 0.6), below) for below in (main, second)]  # Captions.
    pairs.append((colours["codeTextColor"], colours["codeBackgroundColor"]))
    for name in ("red", "orange", "yellow", "green", "blue", "violet", "gray"):  # Coloured words, and badges.
        pairs += [(colours[f"{name}TextColor"], below) for below in (main, second, colours[f"{name}BackgroundColor"])]
    worst = min((contrast(*pair), pair) for pair in pairs)
    assert worst[0] >= 4.5, worst


def test_charts_that_say_nothing_of_colours_get_those_of_actions():
    assert THEME["chartCategoricalColors"] == list(palette.COLOURS)
