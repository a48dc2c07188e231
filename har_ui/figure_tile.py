"""A figure with its interval, as a tile."""

import streamlit as st

from har_ui import terms


def show(title: str, value: str, interval: str, meaning: str) -> None:
    """Draws the tile.

    Args:
        title: The figure's name.
        value: In words.
        interval: Its 95 % interval, in words.
        meaning: What it says, in a sentence; shown on demand.
    """
    st.metric(
        title,
        value,
        interval,
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=f"{meaning} Below it, the {terms.INTERVAL[0].lower() + terms.INTERVAL[1:]}",
    )
