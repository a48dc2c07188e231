"""Pictures that can be clicked: the button below one has its hit area stretched over both."""

import streamlit as st

from har_core import palette

_STYLE = f"""
[class*="st-key-tile-"] {{ position: relative; gap: 0.1rem; }}
[class*="st-key-tile-"] :is(.stElementContainer, .stButton, .stTooltipIcon) {{ position: static; }}
[class*="st-key-tile-"] img {{ aspect-ratio: 1; object-fit: cover; border-radius: 0.5rem; width: 100%; }}
[class*="st-key-tile-"] button::after {{ content: ""; position: absolute; inset: 0; }}
[class*="st-key-tile-"] button {{ min-height: 1.6rem; padding: 0; }}
[class*="st-key-tile-"] [data-testid="stElementToolbar"] {{ display: none; }}
[class*="st-key-tile-"]:is(:hover, :focus-within) img, .no-tile {{
    outline: 3px solid {palette.SURE}; outline-offset: -3px; }}
"""


def style(more: str = "", picked: str = "no-tile") -> None:
    """Makes containers look and behave as tiles whose keys begin with ``tile-``; once for a page.

    Args:
        more: Further CSS.
        picked: Key of a tile that is framed.
    """
    rules = _STYLE.replace(".no-tile", f".st-key-{picked} img")
    st.html(f"<style>{rules}{more}</style>")
