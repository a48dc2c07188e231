"""Where a model looked, photo by photo."""

from pathlib import Path

import streamlit as st

from har_core import images
from har_core.bundle import Bundle
from har_core.errors import HarError
from har_core.predictor import Predictor
from har_ui import page, recognition


def overlay(bundle: Bundle, path: str, identity: str) -> bytes | None:
    """A photo with the heat map of the label that a model gives it, as JPEG; None where it cannot be read any more.

    Args:
        bundle: The model; it is loaded when it is not yet.
        path: The photo.
        identity: SHA-256 of its bytes, as in the manifest.

    Raises:
        BundleBroken: The model cannot be loaded.
    """
    predictor = page.predictor_of(bundle)
    try:
        payload = images.read(Path(path))
        return _overlay(bundle.digest, identity, predictor, payload)
    except HarError:
        return None


@st.cache_data(max_entries=200, show_spinner=False)
def _overlay(digest: str, identity: str, _predictor: Predictor, _payload: bytes) -> bytes:
    del digest, identity  # They are here to be the cache's key.
    prediction = _predictor.predict(images.decode(_payload, min_side=_predictor.input_size))
    return recognition.overlay(recognition.thumbnail(_payload), prediction)
