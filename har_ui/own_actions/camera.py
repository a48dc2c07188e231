"""Bursts of photos from the visitor's camera, taken in the browser."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from har_ui.page import ASSETS
from har_ui.webcam import connection

PHOTOS = 20
"""In a burst."""

_SECONDS = 6.0
_KEY = "own-camera"
_MOST = 100

_HTML, _CSS, _JS = ((ASSETS / f"burst.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
_burst = st.components.v2.component("har_burst", html=_HTML, css=_CSS, js=_JS)


def show(action: str, take: Callable[[str, Sequence[Any]], None]) -> None:
    """Draws the camera.

    Args:
        action: What is to be done before it.
        take: Is given each burst: the action, and its photos as JPEGs in base64. They come from a browser, so from
            anyone.
    """
    if not connection.is_secure(st.context.url or ""):
        st.warning(connection.INSECURE, icon=":material/lock_open:")
        return

    def hand_over() -> None:
        burst = st.session_state[_KEY].burst
        if isinstance(burst, dict) and isinstance(burst.get("photos"), list):
            take(str(burst.get("action")), burst["photos"][:_MOST])

    data = {"action": action, "photos": PHOTOS, "seconds": _SECONDS}
    found = _burst(key=_KEY, data=data, on_burst_change=hand_over, on_failure_change=lambda: None)
    if found.failure:
        name = str(found.failure).split()[0]
        st.error(
            connection.INSECURE if name == "InsecureError" else connection.camera_words(name),
            icon=":material/videocam_off:",
        )
    st.caption(
        f"{PHOTOS} photos in {_SECONDS:.0f} seconds. Move a little meanwhile; then change places or clothes, and "
        "record once more: three bursts teach more than one long one."
    )
