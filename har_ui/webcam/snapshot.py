"""Snapshot: one photo by the camera. Needs no stream."""

import streamlit as st

from har_core.predictor import Predictor
from har_ui import results
from har_ui.feedback import word
from har_ui.recognition import Photo


def show(predictor: Predictor) -> None:
    """Draws the section.

    Args:
        predictor: The model to ask.
    """
    taken = st.camera_input("Take a photo", help=word.what_is_kept())
    if taken:
        results.show(results.recognise_all([Photo("snapshot.jpg", taken.getvalue())], predictor), predictor.labels)
