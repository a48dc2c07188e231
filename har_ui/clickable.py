"""Pictures that can be clicked: the button below one has its hit area stretched over both."""

import streamlit as st

from har_core import palette

_FRAME = f"{{ outline: 3px solid {palette.SURE}; outline-offset: -3px; }}"
_STYLE = f"""
[class*="st-key-tile-"] {{ position: relative; gap: 0.1rem; }}
[class*="st-key-tile-"] :is(.stElementContainer, .stButton, .stTooltipIcon) {{ position: static; }}
[class*="st-key-tile-"] img {{ aspect-ratio: 1; object-fit: cover; border-radius: 0.5rem; width: 100%; }}
[class*="st-key-tile-"] button::after {{ content: ""; position: absolute; inset: 0; }}
[class*="st-key-tile-"] button {{ min-height: 1.6rem; padding: 0; }}
[class*="st-key-tile-"] [data-testid="stElementToolbar"] {{ display: none; }}
[class*="st-key-tile-"]:is(:hover, :focus-within) img {_FRAME}
"""


def style(more: str = "") -> None:
    """Makes containers whose keys begin with ``tile-`` look and behave as tiles; once for a page.

    Args:
        more: Further CSS.
    """
    st.html(f"<style>{_STYLE}{more}</style>")


def framed(key: str) -> str:
    """CSS that frames one tile's picture.

    Args:
        key: Of its container.
    """
    return f".st-key-{key} img {_FRAME}\n"
