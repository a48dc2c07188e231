"""Upload a video, see what is being done in it, and when."""

import streamlit as st

from har_core import video
from har_core.config import settings
from har_core.errors import HarError
from har_ui import menu, page
from har_ui.video import view
from har_ui.video.desk import Desk

_RATES = (0.5, 1.0, 2.0, 5.0, 10.0)


@st.cache_resource(scope="session", show_spinner=False, on_release=Desk.leave)
def _present(_desk: Desk) -> Desk:
    """Called once a connection; its end is told to the desk, which the session outlives for a while."""
    _desk.stay()
    return _desk


menu.begin("Video")
st.title("Video")
predictor = page.choose_predictor()
desk = _present(st.session_state.setdefault("video-desk", Desk()))

upload, choice = st.columns([3, 1], gap="medium")
with choice:
    rate = st.selectbox(
        "Pictures a second",
        _RATES,
        index=_RATES.index(video.RATE),
        format_func=lambda value: f"{value:g}",
        help="How many of the video's pictures are looked at. More of them find shorter actions, and take longer.",
    )
clip = upload.file_uploader(
    "Drop a video",
    type=sorted(suffix.lstrip(".") for suffix in video.SUFFIXES),
    max_upload_size=max(1, settings().max_video_bytes // 1_000_000),
    help=f"{video.FORMATS_FOR_PEOPLE}. It is removed when you bring another one, or leave.",
    # A new field after each video: the old one's bytes need not be held any longer.
    key=f"clip-{desk.uploads}",
)
try:
    if clip:
        desk.bring(clip, clip.name, predictor.bundle, rate)
        st.rerun()
    if desk.work and desk.work.state() != "running":
        is_same = desk.work.rate == rate and desk.work.bundle.digest == predictor.bundle.digest
        if (not is_same or desk.work.state() == "stopped") and choice.button(
            "Look again", icon=":material/replay:", help="The same video, with what is chosen now.", width="stretch"
        ):
            desk.again(predictor.bundle, rate)
            st.rerun()
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")

if desk.work:
    view.show(desk.work)
else:
    st.info(
        "The video is cut into segments, each with an action, its probability, and whether the model is sure.",
        icon=":material/lightbulb:",
    )
    with st.container(border=True):
        page.actions_known(predictor.labels)
