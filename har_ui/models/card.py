"""A model's card, and its figures as tiles."""

import base64
import re
from collections.abc import Mapping

import streamlit as st

from har_core import bundle as bundles
from har_core.bundle import Bundle, Metric
from har_core.errors import BundleBroken
from har_ui import figure_tile
from har_ui.page import plain
from har_ui.training import words

_TILE = 140
_PLOT_WIDTH = 420
# On a phone, wide tables are scrolled rather than cut off.
_STYLE = "<style>.st-key-card table { display: block; overflow-x: auto; }</style>"


def figures(metrics: Mapping[str, Metric]) -> None:
    """Draws test metrics with their intervals, a tile each."""
    with st.grid(min_column_width=_TILE, gap="small"):
        for name, metric in words.known(metrics).items():
            title, meaning = words.METRICS[name]
            value, interval = words.figure(name, metric)
            figure_tile.show(title, value, interval, meaning)


def show(bundle: Bundle) -> None:
    """Draws the card with its plot, folded, and offers it as a file."""
    try:
        text = bundle.read(bundles.CARD).decode("utf-8", "replace")
        plot = bundle.read(bundles.CALIBRATION) if bundles.CALIBRATION in bundle.info.sha256 else None
    except BundleBroken as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    with st.expander("Model card", icon=":material/description:", key="card"):
        st.html(_STYLE)
        st.markdown(_harmless(text))
        if plot:
            # As data: of text that only claims to be a picture, a browser could be made to load something.
            st.image(
                f"data:image/svg+xml;base64,{base64.b64encode(plot).decode()}",
                width=_PLOT_WIDTH,
                alt="How honest its probabilities are",
            )
        st.download_button(
            "Download the card",
            text,
            f"{bundle.reference}.md",
            "text/markdown",
            icon=":material/download:",
            on_click="ignore",
            key="card-file",
        )


def _harmless(card: str) -> str:
    """A card with small headings, and without what could load a picture, link somewhere or become a formula.

    Its labels are foreign text. Its plot is shown apart.
    """
    lines = [line for line in card.splitlines() if not line.startswith("![")]
    small = "\n".join(f"###{line}" if line.startswith("#") else line for line in lines)
    # What is escaped already stays so: another backslash would undo it.
    return re.sub(r"\\.|[\[\]<$:]", lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", small)
