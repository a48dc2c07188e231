"""What the buttons of the page Feedback do, and what is said of it."""

from collections.abc import Sequence

import streamlit as st

from har_core import feedback
from har_core.errors import FeedbackError
from har_core.labels import label_text
from har_ui import next_run
from har_ui.page import plain

STATUS = "status"
"""The session's key of the entries that are shown."""


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
        next_run.say(f"Accepted {done}. {problem}".strip())
    elif problem:
        next_run.complain(problem)


def correct(photo: str, field: str) -> None:
    """Takes a photo with the label that stands in a field of the page."""
    try:
        entry = feedback.accept(photo, st.session_state[field])
        next_run.say(f"Accepted as {plain(label_text(entry.right_label))}.")
    except FeedbackError as error:
        next_run.complain(plain(str(error)))


def discard(photo: str) -> None:
    """Deletes a photo."""
    try:
        feedback.discard(photo)
        next_run.say("Discarded: the photo is deleted.", ":material/delete:")
    except FeedbackError as error:
        next_run.complain(plain(str(error)))


def show(status: str) -> None:
    """Has the page show the entries of a status when it is next drawn."""
    next_run.go(**{STATUS: status})
