"""Teach it actions of one's own: name them, bring photos, train, try, and keep the model."""

import streamlit as st

from har_core import serving
from har_core.datasets import collection
from har_core.datasets.collection import Collection
from har_core.errors import HarError
from har_ui import menu, next_run, page
from har_ui.own_actions import choosing, keeping, naming, photos, teaching, trying


def show(current: Collection) -> None:
    """Draws the steps; the last two once there is a model."""
    record = current.record()
    # Each step keeps its place, whatever those above have to say: the camera would go off otherwise.
    with st.container(key="own-names"):
        naming.show(current, record)
    with st.container(key="own-photos"):
        photos.show(current, record)
    with st.container(key="own-training"):
        teaching.show(current)
    version = serving.next_version(current.name) - 1
    if not version:
        st.header("4 · Try it")
        st.caption("Once it is trained: on photos, and live before the camera.")
        st.header("5 · Keep it")
        st.caption("How good it is; then put it into service here, or download it.")
        return
    model = serving.find(f"{current.name}@{version}")
    trying.show(page.predictor_of(model))
    keeping.show(model)


menu.begin("My own actions")
st.title("My own actions")
next_run.begin()
try:
    if collection.is_on():
        chosen = choosing.show()
        if chosen:
            show(chosen)
    else:
        st.info(
            "On this app no photos are kept, so nothing can be taught here (`HAR_MAX_COLLECTED_PHOTOS` is 0). On a "
            "machine of your own, it can.",
            icon=":material/lock:",
        )
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
