"""What a visitor has chosen on the page, beyond the fields in its address."""

import streamlit as st

OVERVIEW, CONFUSIONS, LABELS, CONFIDENCE, MISTAKES, SLICES, COMPARE = (
    "Overview",
    "Confusions",
    "Labels",
    "Confidence",
    "Mistakes",
    "Slices",
    "Compare",
)

PART = "part"
"""The session's key of the section that is shown."""

PAIR = "pair"
"""The session's key of the pair of labels that *Mistakes* is about."""

Pair = tuple[str, str]
"""A label, and what the model said."""

_CELL = "confusion-cell"
_NEXT = "next-pair"


def cell() -> Pair | None:
    """The cell of the confusion matrix that was chosen."""
    return st.session_state.get(_CELL)


def choose_cell(label: str, found: str) -> None:
    """Has the photos of a cell shown."""
    st.session_state[_CELL] = (label, found)


def show_pair(label: str, found: str) -> None:
    """Goes to *Mistakes* and shows those with this label and this answer; a button's callback."""
    st.session_state[PART] = MISTAKES
    st.session_state[PAIR] = (label, found)


def show_pair_next(label: str, found: str) -> None:
    """As ``show_pair``, where the page's fields are drawn already; to be followed by ``st.rerun``."""
    st.session_state[_NEXT] = (label, found)


def turn() -> None:
    """Goes where the last action led; before the page's choice of sections is drawn."""
    if _NEXT in st.session_state:
        show_pair(*st.session_state.pop(_NEXT))
