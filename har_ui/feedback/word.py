"""A visitor's word on an answer: right, or wrong and what it is. Drawn below each result."""

from collections.abc import Sequence

import streamlit as st

from har_core import feedback
from har_core.errors import HarError
from har_core.feedback import Answer
from har_core.labels import label_text
from har_ui.page import plain
from har_ui.recognition import Recognition

CONSENT = (
    f"Saying so keeps this photo, at most {feedback.PHOTO_SIDE} px and without its metadata, on the machine that runs "
    "this app, to learn from."
)

_KEPT = "word-kept-"
_PROBLEM = "word-problem-"


def what_is_kept() -> str:
    """What happens to a visitor's photo, in a sentence."""
    return "Photos stay in memory and are not kept" + (
        ", unless you say whether an answer is right." if feedback.is_on() else "."
    )


@st.fragment
def show(item: Recognition, labels: Sequence[str], key: str) -> None:
    """Draws what can be said of an answer, or what was said; nothing where feedback is off.

    Args:
        item: The photo with its answer.
        labels: Among which the right one probably is.
        key: Tells this from others on the page.
    """
    if item.prediction is None or not feedback.is_on():
        return
    kept = feedback.find(item.photo.key) if st.session_state.get(_KEPT + item.photo.key) else None
    with st.container(key=f"word-{key}", gap="xsmall"):
        if kept:
            _thanks(item, kept.label, key)
        else:
            _ask(item, labels, key)
        problem = st.session_state.pop(_PROBLEM + key, None)
        if problem:
            st.warning(plain(problem), icon=":material/info:")


def _ask(item: Recognition, labels: Sequence[str], key: str) -> None:
    text_key = f"label-{key}"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Right",
            icon=":material/thumb_up:",
            type="tertiary",
            key=f"right-{key}",
            on_click=_keep,
            args=(item, labels, key),
        )
        with st.popover("Wrong? It is …", icon=":material/thumb_down:", type="tertiary"):
            chosen = st.selectbox(
                "What is the person doing?",
                sorted(label for label in labels if item.prediction and label != item.prediction.label),
                index=None,
                format_func=label_text,
                accept_new_options=True,
                placeholder="Choose, or type another action",
                key=text_key,
            )
            st.button(
                "Keep",
                type="primary",
                icon=":material/check:",
                disabled=not chosen,
                key=f"keep-{key}",
                on_click=_keep,
                args=(item, labels, key, text_key),
            )
    st.caption(CONSENT)


def _thanks(item: Recognition, label: str, key: str) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f":material/check_circle: Kept as **{plain(label_text(label))}**, thank you.", width="content")
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            help="Deletes the photo, and what you said of it.",
            key=f"undo-{key}",
            on_click=_forget,
            args=(item, key),
        )


def _keep(item: Recognition, labels: Sequence[str], key: str, text_key: str | None = None) -> None:
    """Keeps the photo; with the label that stands in the field now, where there is one."""
    if item.prediction is None:
        return
    try:
        label = feedback.as_label(str(st.session_state[text_key]), labels) if text_key else None
        feedback.record(item.photo.payload, label, Answer.of(item.prediction), "app")
        st.session_state[_KEPT + item.photo.key] = True
    except HarError as error:
        st.session_state[_PROBLEM + key] = str(error)


def _forget(item: Recognition, key: str) -> None:
    try:
        feedback.forget(item.photo.key)
        st.session_state.pop(_KEPT + item.photo.key, None)
    except HarError as error:
        st.session_state[_PROBLEM + key] = str(error)
