"""What the next run of a page begins with: callbacks cannot draw, and fields that are drawn cannot be set any more."""

import streamlit as st

_NEWS = "next-news"
_STATE = "next-state"


def say(text: str, icon: str = ":material/check_circle:") -> None:
    """Has something told in passing.

    Args:
        text: As Markdown.
        icon: As Markdown, too.
    """
    st.session_state[_NEWS] = (text, icon, "long")


def complain(text: str) -> None:
    """Has it told that something did not work; that stays until the visitor closes it.

    Args:
        text: What went wrong and what to do, as Markdown.
    """
    st.session_state[_NEWS] = (text, ":material/error:", "infinite")


def go(**state: object) -> None:
    """Has fields of the page set, that of the section that is shown above all.

    Args:
        state: By their keys in the session.
    """
    st.session_state[_STATE] = {**st.session_state.get(_STATE, {}), **state}


def begin() -> None:
    """Does all of it; before a page draws its fields."""
    st.session_state.update(st.session_state.pop(_STATE, {}))
    tell()


def tell() -> None:
    """Tells what there is to tell, and no more: for what is drawn without the rest of the page, as dialogs are."""
    news = st.session_state.pop(_NEWS, None)
    if news:
        text, icon, duration = news
        # Beside the page, which does not jump for it.
        st.toast(text, icon=icon, duration=duration)
