"""Which collection a visitor is at. What they bring is on disk."""

import streamlit as st

from har_core.datasets import collection
from har_core.datasets.collection import Collection
from har_core.errors import CollectionNotFound
from har_ui import next_run
from har_ui.page import plain

_CHOSEN = "own-chosen"
_IN_ADDRESS = "mine"


def chosen() -> Collection | None:
    """The collection that the address or the session names; None where a new one is to be begun.

    One that is gone, or damaged, is no longer asked for, and the visitor is told once.
    """
    name = str(st.query_params.get(_IN_ADDRESS) or st.session_state.get(_CHOSEN) or "")
    if not name:
        return None
    try:
        found = collection.load(name)
        found.record()
    except CollectionNotFound as error:
        choose("")
        next_run.complain(plain(str(error)))
        next_run.tell()
        return None
    return found


def choose(name: str) -> None:
    """Has the page show a collection; of an empty name, the way to a new one.

    The address is for a reload and for later, the session for the way back from another page.
    """
    st.session_state[_CHOSEN] = name
    if name:
        st.query_params[_IN_ADDRESS] = name
    else:
        st.query_params.pop(_IN_ADDRESS, None)
