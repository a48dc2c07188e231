"""How good a model is on photos whose labels are known, and where it errs."""

import streamlit as st

from har_core.errors import HarError
from har_ui import menu, next_run, page, sections
from har_ui.datasets import job_panel, tiles
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
    section = sections.choose(list(SECTIONS), state.PART)
    SECTIONS[section](view)
    photo.show_chosen(choice)


menu.begin("Evaluation")
st.title("Evaluation")
next_run.begin()
job_panel.show()
tiles.style()
try:
    choice = choosing.show()
    if choice:
        show_judged(choice)
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
