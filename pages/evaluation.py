"""How good a model is on photos whose labels are known, and where it errs."""

import streamlit as st

from har_core.errors import HarError
from har_ui import page
from har_ui.datasets import fixing, job_panel, tiles
from har_ui.evaluation import (
    asking,
    choosing,
    comparing,
    confidence,
    confusions,
    gallery,
    labels,
    overview,
    photo,
    slicing,
    state,
)
from har_ui.evaluation.view import Choice, view_of

SECTIONS = {
    state.OVERVIEW: overview.show,
    state.CONFUSIONS: confusions.show,
    state.LABELS: labels.show,
    state.CONFIDENCE: confidence.show,
    state.MISTAKES: gallery.show,
    state.SLICES: slicing.show,
    state.COMPARE: comparing.show,
}


def show_judged(choice: Choice) -> None:
    """Draws the section that was chosen, or what has to be done first."""
    view = view_of(choice)
    if view is None:
        asking.show(choice)
        return
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        default=None if state.PART in st.session_state else state.OVERVIEW,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        key=state.PART,
        bind="query-params",
    )
    SECTIONS[section or state.OVERVIEW](view)
    photo.show_chosen(choice)


st.title("Evaluation")
job_panel.show()
tiles.style()
fixing.show_news()
state.turn()
try:
    choice = choosing.show()
    if choice:
        show_judged(choice)
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
