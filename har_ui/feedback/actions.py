"""What the buttons of the page Feedback do, and what is said of it."""

from collections.abc import Sequence

import streamlit as st

from har_core import feedback
from har_core.errors import FeedbackError
from har_ui.page import label_text, plain

STATUS = "status"
"""The session's key of the entries that are shown."""

_NEWS = "feedback-news"
_NEXT = "next-status"


def accept(photos: Sequence[str]) -> None:
    """Takes photos as examples to learn from, with the labels that people gave them."""
    done, problem = 0, ""
    for photo in photos:
        try:
            feedback.accept(photo)
            done += 1
        except FeedbackError as error:  # Somebody else was faster: the others count all the same.
            problem = plain(str(error))
    if len(photos) > 1:
        _say(f"Accepted {done}. {problem}".strip())
    elif problem:
        _say(problem, ":material/error:")


def correct(photo: str, field: str) -> None:
    """Takes a photo with the label that stands in a field of the page."""
    try:
        entry = feedback.accept(photo, st.session_state[field])
        _say(f"Accepted as {plain(label_text(entry.right_label))}.")
    except FeedbackError as error:
        _say(plain(str(error)), ":material/error:")


def discard(photo: str) -> None:
    """Deletes a photo."""
    try:
        feedback.discard(photo)
        _say("Discarded: the photo is deleted.", ":material/delete:")
    except FeedbackError as error:
        _say(plain(str(error)), ":material/error:")


def show(status: str) -> None:
    """Has the page show the entries of a status when it is next drawn."""
    st.session_state[_NEXT] = status


def turn() -> None:
    """Goes where the last action led; before the page's choice is drawn."""
    if _NEXT in st.session_state:
        st.session_state[STATUS] = st.session_state.pop(_NEXT)


def show_news() -> None:
    """Shows what the last action had to say: callbacks themselves cannot draw."""
    news = st.session_state.pop(_NEWS, None)
    if news:
        st.toast(news[0], icon=news[1])


def _say(text: str, icon: str = ":material/check:") -> None:
    st.session_state[_NEWS] = (text, icon)
