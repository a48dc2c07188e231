"""Train a model on a dataset, watch how it goes, and compare what came of it."""

import streamlit as st

from har_core.errors import HarError
from har_ui import page
from har_ui.datasets import job_panel
from har_ui.training import actions, form, listing, live, records, worker
from training import queue

SECTIONS = {actions.NEW: form.show, actions.LIVE: live.show, actions.RUNS: listing.show}


def show_queue() -> None:
    """Has waiting runs run, and says what stands against it."""
    try:
        problem = worker.keep_alive() if queue.waiting() else ""
    except HarError as error:
        problem = page.plain(str(error))
    if problem:
        st.warning(problem, icon=":material/power_off:")


st.title("Training")
job_panel.show()
actions.show_news()
actions.turn()
section = st.segmented_control(
    "Section",
    list(SECTIONS),
    default=None if actions.VIEW in st.session_state else actions.LIVE if records.running() else actions.NEW,
    required=True,
    label_visibility="collapsed",
    key=actions.VIEW,
    bind="query-params",
)
show_queue()
try:
    SECTIONS[section]()
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
