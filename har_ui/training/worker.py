"""Sees to it that somebody runs what waits."""

import time

import streamlit as st

from har_core.config import settings
from har_core.errors import HarError
from har_ui.page import plain
from training import queue

_SECONDS_TO_START = 20.0


def keep_alive() -> str:
    """Has a worker started where none is alive; for as long as runs wait.

    Returns:
        What keeps it from being alive, in Markdown; empty as long as nothing seems to.
    """
    if queue.has_worker():
        _asked().clear()
        return ""
    now, asked = time.monotonic(), _asked()
    if now - asked.get("last", 0.0) > 2 * _SECONDS_TO_START:  # Nobody has waited for a while.
        asked.clear()
    first = asked.setdefault("first", now)
    if now - asked.get("last", 0.0) > _SECONDS_TO_START:
        asked["last"] = now
        try:
            queue.ensure_worker()
        except (HarError, OSError) as error:
            return f"The worker that trains cannot be started: {plain(str(error))}"
    if now - first < _SECONDS_TO_START:
        return ""
    if not queue.starts_workers():
        return (
            "No worker that trains is alive. Start one on a machine with TensorFlow that shares `HAR_HOME` and the "
            "queue: `make worker`."
        )
    return (
        f"The worker that trains does not start. {_last_words()} It is tried again; `make worker` starts one by hand."
    )


def _last_words() -> str:
    """The last line that a worker printed."""
    try:
        lines = (settings().home / "worker.log").read_text("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f"Its last words: “{plain(last[:300])}”." if last else "It printed nothing."


@st.cache_resource(show_spinner=False)
def _asked() -> dict[str, float]:
    """When a worker was first and last asked for; shared by all visitors, as the worker is."""
    return {}
