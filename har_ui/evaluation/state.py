"""What a visitor has chosen on the page, beyond the fields in its address."""

import streamlit as st

from har_ui import next_run

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


def cell() -> Pair | None:
    """The cell of the confusion matrix that was chosen."""
    return st.session_state.get(_CELL)


def choose_cell(label: str, found: str) -> None:
    """Has the photos of a cell shown."""
    st.session_state[_CELL] = (label, found)


def show_pair(label: str, found: str) -> None:
    """Goes to *Mistakes* and shows those with this label and this answer, when the page is next drawn."""
    next_run.go(**{PART: MISTAKES, PAIR: (label, found)})
