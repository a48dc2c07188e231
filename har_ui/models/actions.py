"""What buttons do on the page Models, and where they lead."""

import streamlit as st

from har_ui import next_run

ALL, BESIDE, HISTORY, IMPORT = "All models", "Side by side", "History", "Import"

VIEW = "tab"
"""The session's key of the section that is shown."""

LEFT, RIGHT = "left", "right"
"""The session's keys of the models that are tried side by side."""

_CHOSEN = "model"
_WHO = "models-who"


def choose(reference: str) -> None:
    """Has this model shown in *All models*; it is kept in the page's address."""
    if reference != chosen():
        st.query_params[_CHOSEN] = reference


def chosen() -> str:
    """The model that is to be shown in *All models*; empty as long as none was chosen."""
    return str(st.query_params.get(_CHOSEN, ""))


def open_model(reference: str) -> None:
    """Shows a model in *All models*."""
    choose(reference)
    next_run.go(**{VIEW: ALL})


def open_beside(left: str, right: str) -> None:
    """Shows two models side by side."""
    next_run.go(**{VIEW: BESIDE, LEFT: left, RIGHT: right})


def asker(place: str) -> str:
    """Asks who wants something done; remembers the name until the visitor leaves.

    Args:
        place: Tells this field from others on the page.
    """
    known = st.session_state.get(_WHO, "")
    return str(st.text_input("Your name", known, max_chars=80, key=f"who-{place}", placeholder="Ada Lovelace")).strip()


def remember(who: str) -> None:
    """Takes note of the visitor's name."""
    st.session_state[_WHO] = who
