"""The sections of a page: one of them is shown, and its address says which."""

from collections.abc import Callable, Sequence

import streamlit as st


def choose(names: Sequence[str], key: str, first: str | None = None, text: Callable[[str], str] = str) -> str:
    """Lets the visitor choose a section.

    Args:
        names: Of the sections.
        key: Of the field, in the session and in the page's address.
        first: What is shown before anything was chosen; the first where that is not said.
        text: Name → what the field shows.
    """
    chosen = st.segmented_control(
        "Section",
        names,
        # Both a default and a state that was set would be said to contradict each other.
        default=None if key in st.session_state else first or names[0],
        required=True,
        wrap=True,
        format_func=text,
        label_visibility="collapsed",
        key=key,
        bind="query-params",
    )
    return chosen or first or names[0]
