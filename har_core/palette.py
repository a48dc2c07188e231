"""Every colour of charts: what it means, and how actions are told apart.

Each has a contrast of at least 3:1 on the app's light and on its dark background, so that one colour serves both, and
those that stand beside each other stay apart for people who see red, green or blue worse than others. Colour is never
alone: what is unsure is hatched, and actions that share a colour differ in symbol and dash.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

SURE, UNSURE, NEUTRAL, BAD = "#0b8793", "#d97706", "#8f877d", "#c81e3a"
RIGHT, WRONG = SURE, UNSURE
SPLITS = {"train": "#6366f1", "val": "#d97706", "test": "#009e73"}
RIGHT_SCALE = ((0.0, "#cfe8eb"), (1.0, "#0a6b75"))
"""From few to many right answers."""
WRONG_SCALE = ((0.0, "#fdeccf"), (1.0, "#b45309"))
"""From few to many wrong answers."""
CLEAR, SHADE = "rgba(0, 0, 0, 0)", "rgba(143, 135, 125, 0.1)"
"""Backgrounds: none, and just enough to see where something may stand."""

COLOURS = ("#0072b2", "#875a41", "#cc79a7", "#009e73", "#8787fa", "#d55e00")
"""Of actions, and of whatever else is compared: blue, reddish purple, bluish green and vermillion of Okabe and Ito,
"Color Universal Design" (2008, https://jfly.uni-koeln.de/color/). Its other colours are too light for a white
background; a brown and a violet that stay apart from the four stand in. Neighbours differ the most."""

_SYMBOLS = ("circle", "diamond", "square", "triangle-up")
_DASHES = ("solid", "dash", "dot", "dashdot")


class Style(NamedTuple):
    """How one of several things looks.

    Attributes:
        colour: As hexadecimal RGB.
        symbol: Its mark among points, a name that Plotly and Vega share.
        dash: Its line, a name of Plotly's.
    """

    colour: str
    symbol: str
    dash: str


STYLES = tuple(
    Style(colour, symbol, dash) for symbol, dash in zip(_SYMBOLS, _DASHES, strict=True) for colour in COLOURS
)
"""All that can be told apart; more things than these repeat them."""


def styles(shown: Collection[str], among: Sequence[str]) -> dict[str, Style]:
    """How each action looks: the same wherever the model, or the dataset, is the same.

    It goes by the label's place among all labels. Where two that are shown together would look the same, the later one
    takes the first look that is free.

    Args:
        shown: Labels in a chart.
        among: All labels of the model or dataset, in their order.
    """
    places = {label: place for place, label in enumerate(among)}
    found: dict[str, Style] = {}
    for label in sorted(shown, key=lambda label: (places.get(label, len(places)), label)):
        own = STYLES[places.get(label, len(places)) % len(STYLES)]
        free = [style for style in STYLES if style not in found.values()]
        found[label] = own if own in free or not free else free[0]
    return found


def bars(colours: Sequence[str], solid: Sequence[bool]) -> dict[str, Any]:
    """The ``marker`` of Plotly's bars: solid ones, and hatched ones for what is unsure.

    Args:
        colours: Of each bar.
        solid: Whether it is not hatched.
    """
    return {
        "color": list(colours),
        "line": {"color": list(colours), "width": 1.5},
        "pattern": {
            "shape": ["" if is_solid else "/" for is_solid in solid],
            "fillmode": "replace",
            "fgcolor": list(colours),
            "size": 7,
            "solidity": 0.35,
        },
    }


def lighter(colour: str) -> str:
    """A colour half way to white, for dark pictures."""
    return "#" + "".join(f"{(int(colour[place : place + 2], 16) + 255) // 2:02x}" for place in (1, 3, 5))
