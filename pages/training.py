"""Train a model on a dataset, watch how it goes, and compare what came of it."""

import streamlit as st

from har_core.errors import HarError
from har_ui import menu, next_run, page, sections
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


menu.begin("Training")
st.title("Training")
next_run.begin()
job_panel.show()
section = sections.choose(list(SECTIONS), actions.VIEW, actions.LIVE if records.running() else actions.NEW)
show_queue()
try:
    SECTIONS[section]()
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
