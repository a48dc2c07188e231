"""Live: the camera's picture with what the model says of it, and what was seen over time."""

import logging
import time
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit_webrtc import WebRtcMode, WebRtcStreamerContext, webrtc_streamer

from har_core import feedback
from har_core.labels import label_text
from har_core.predictor import Predictor
from har_ui import recognition, results, terms
from har_ui.page import decision_badge, plain
from har_ui.recognition import Photo, Recognition
from har_ui.webcam import connection, ice, timeline
from har_ui.webcam.classifier import Controls, Result
from har_ui.webcam.connection import Watchdog
from har_ui.webcam.session import LiveSession

_Stream = WebRtcStreamerContext[Any, Any]

log = logging.getLogger(__name__)

_SESSION = "webcam-session"
_WATCHDOG = "webcam-watchdog"
_TRY = "webcam-try"
_KEPT = "webcam-kept"
_PROBLEM = "webcam-problem"

_RATE = 20
_MOST_RATE = 30
_CAMERA = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 30}},
    "audio": False,
}
_SHOWN = {"autoPlay": True, "muted": True, "playsInline": True, "style": {"width": "100%", "borderRadius": "0.6rem"}}


def show(source: Callable[[], Predictor]) -> None:
    """Draws the section.

    Args:
        source: Gives the model to ask.
    """
    session: LiveSession = st.session_state.setdefault(_SESSION, LiveSession(Controls(source)))
    session.controls.predictor = source
    picture, side = st.columns([3, 2], gap="large")
    with picture:
        context = _stream(session)
        failure = connection.camera_failure()
        if failure and not _is_on(context):
            st.error(connection.camera_words(failure), icon=":material/videocam_off:")
        _tell_problem(context)
        _frame(context, session, source)
    with side:
        _controls(session)
        st.fragment(_progress, run_every=1 if _is_on(context) else None)(context, session)


def leave() -> None:
    """Ends the stream where another section is shown: it would only notice after half a minute."""
    context = st.session_state.get(_key())
    # There is no public way to end a stream from here.
    worker = context._get_worker() if context else None
    if worker:
        worker.stop()


def _key() -> str:
    return f"camera-{st.session_state.get(_TRY, 0)}"


def _is_on(context: _Stream) -> bool:
    return context.state.playing or context.state.signalling


def _stream(session: LiveSession) -> _Stream:
    try:
        return webrtc_streamer(
            _key(),
            mode=WebRtcMode.SENDRECV,
            rtc_configuration=ice.configuration(),
            media_stream_constraints=_CAMERA,
            video_frame_callback=session.receive,
            on_video_ended=session.end,
            on_change=_turn,
            video_html_attrs=_SHOWN,
            sendback_audio=False,
            media_toggle_controls=False,
        )
    except Exception as error:  # Of ICE servers that do not answer, or of a browser that offers nonsense.
        if not st.session_state[_key()].state.signalling:
            raise
        log.warning("a webcam's stream cannot begin: %s", type(error).__name__)
        st.session_state[_TRY] = st.session_state.get(_TRY, 0) + 1  # The browser's side begins anew, too.
        st.session_state[_PROBLEM] = True
        st.rerun()


def _look() -> Watchdog:
    """Has the watchdog look at how the stream stands."""
    watchdog: Watchdog = st.session_state.setdefault(_WATCHDOG, Watchdog())
    context = st.session_state.get(_key())
    watchdog.look(bool(context and _is_on(context)), st.session_state[_SESSION].is_running, time.monotonic())
    return watchdog


def _turn() -> None:
    """The stream has begun or ended: what was seen before a start is forgotten.

    The watchdog looks from that moment on, as a stream's first steps may hold the page up for seconds.
    """
    if st.session_state[_key()].state.signalling:
        st.session_state[_SESSION].begin()
    _look()


def _tell_problem(context: _Stream) -> None:
    if _is_on(context):
        st.session_state.pop(_PROBLEM, None)
    elif st.session_state.get(_PROBLEM):
        st.error(connection.NO_WAY, icon=":material/signal_disconnected:")


def _controls(session: LiveSession) -> None:
    predictor = session.controls.predictor()
    controls = session.controls
    controls.is_mirrored = st.toggle(
        "Mirror", True, key="webcam-mirror", help="As in a mirror. The model sees it as it is."
    )
    percent = st.slider(
        "Sure from",
        1,
        99,
        round(100 * predictor.bundle.info.thresholds.confidence),
        format="%d %%",
        help=f"{terms.THRESHOLD} At first, what the model was made with.",
        key=f"webcam-threshold-{predictor.bundle.digest}",
    )
    controls.threshold = percent / 100
    controls.rate = st.slider(
        "Frames a second, at most",
        1,
        _MOST_RATE,
        _RATE,
        help="How many are classified; the picture itself is not slowed down.",
        key="webcam-rate",
    )


def _progress(context: _Stream, session: LiveSession) -> None:
    """What is seen now, and what was seen so far; drawn anew each second while the camera runs."""
    watchdog = _look()
    if watchdog.has_failed:
        st.error(connection.NO_WAY, icon=":material/signal_disconnected:")
    if session.problem:
        st.warning(f"There are no answers: {plain(session.problem)}", icon=":material/error:")
    result = session.result
    if result is None:
        if not _is_on(context):
            st.info(
                "Press *Start* and allow the camera: what it sees is named here. No frame is kept, unless you keep it.",
                icon=":material/lightbulb:",
            )
        elif not watchdog.has_failed:
            st.info("Waiting for the camera’s picture …", icon=":material/hourglass_top:")
        return
    if session.is_running:
        _answer(result)
    runs = session.record.runs()
    st.plotly_chart(
        timeline.figure(runs, session.controls.predictor().labels),
        config={"displayModeBar": False},
        key="webcam-timeline",
        alt="Which action was seen when",
    )
    st.caption("Solid: the model was sure; hatched: it was unsure.")
    st.dataframe(timeline.per_action(runs), hide_index=True, column_config=_COLUMNS, alt="Seconds of each action")
    st.download_button(
        "CSV", lambda: timeline.to_csv(session.record.runs()), "webcam.csv", "text/csv", icon=":material/download:"
    )
    # Known after some seconds only: above the chart, it would push that down.
    _figures(session)


_COLUMNS = {
    "action": st.column_config.TextColumn("Action"),
    "seconds": st.column_config.NumberColumn("Seconds", format="%.1f"),
    "sure_seconds": st.column_config.NumberColumn("of them sure", format="%.1f", help=terms.SURE),
}


def _answer(result: Result) -> None:
    best = result.top[0]
    with st.container(key="webcam-answer"):
        st.header(f"{plain(label_text(best.label))} {best.score:.0%} {decision_badge(result.decision)}")


def _figures(session: LiveSession) -> None:
    figures = session.figures()
    if figures:
        st.caption(
            f"{figures.rate:.0f} frames a second classified (in the slowest second {figures.least_rate}); what is "
            f"drawn is about a frame {figures.age:.0f} ms old (95 % of the time at most {figures.age_p95:.0f} ms)."
        )


@st.fragment
def _frame(context: _Stream, session: LiveSession, source: Callable[[], Predictor]) -> None:
    """Takes a frame out, to be corrected and kept."""
    if not feedback.is_on():
        return
    st.button(
        "Keep this frame",
        icon=":material/add_a_photo:",
        help="Shows the frame of this moment, so that you can say what it is. It is kept only then.",
        disabled=session.result is None and not _is_on(context),
        on_click=_take_frame,
        args=(session, source),
    )
    item: Recognition | None = st.session_state.get(_KEPT)
    if item:
        results.show([item], source().labels)


def _take_frame(session: LiveSession, source: Callable[[], Predictor]) -> None:
    payload = session.photo()
    if payload:
        st.session_state[_KEPT] = recognition.recognise(Photo("webcam.jpg", payload), source())
