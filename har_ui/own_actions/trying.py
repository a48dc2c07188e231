"""Step 4: the new model, tried at once."""

import streamlit as st

from har_core.labels import label_text
from har_core.predictor import Predictor
from har_ui import photo_choice, recognition, results
from har_ui.page import plain
from har_ui.recognition import Photo
from har_ui.webcam import connection, live

_FILES, _LIVE, _SNAPSHOT = "Photos", "Webcam, live", "Webcam, one photo"
_WAYS = {_FILES: ":material/photo_library:", _LIVE: ":material/videocam:", _SNAPSHOT: ":material/photo_camera:"}


def show(predictor: Predictor) -> None:
    """Draws the step.

    Args:
        predictor: The new model.
    """
    st.header("4 · Try it")
    way = st.segmented_control(
        "Try it on",
        list(_WAYS),
        format_func=lambda name: f"{_WAYS[name]} {name}",
        default=_FILES,
        required=True,
        wrap=True,
        key="own-way",
    )
    if way != _LIVE:
        live.leave()
    if way == _FILES:
        for number, photo in enumerate(photo_choice.some("own")):
            _answer(photo, predictor, f"own-{number}")
    elif not connection.is_secure(st.context.url or ""):
        st.warning(connection.INSECURE, icon=":material/lock_open:")
    elif way == _LIVE:
        live.show(lambda: predictor)
    else:
        taken = st.camera_input("Take a photo")
        if taken:
            _answer(Photo("snapshot.jpg", taken.getvalue()), predictor, "own-snapshot")
    st.caption(
        "Try something that is none of your actions, too: the answer should be *unsure*. Where it is sure and wrong, "
        "add photos like that one to the right action, and train again."
    )


def _answer(photo: Photo, predictor: Predictor, key: str) -> None:
    """One photo, with the probabilities of all actions."""
    found = recognition.recognise(photo, predictor, top_k=len(predictor.labels))
    with st.container(border=True):
        if found.prediction is None:
            st.error(f"**{plain(photo.name)}**: {plain(str(found.error))}", icon=":material/broken_image:")
            return
        picture, text = st.columns([2, 3], vertical_alignment="top")
        best = plain(label_text(found.prediction.label))
        picture.image(results.thumbnail(photo.payload), width="stretch", alt=f"{photo.name}, taken for {best}")
        with text:
            results.answer(found.prediction, key)
