"""All models: how good they are, where they come from, and which one is in service."""

import streamlit as st

from har_core.errors import HarError
from har_ui import menu, next_run, page, sections
from har_ui.models import actions, history, importing, listing, service, side_by_side

SECTIONS = {
    actions.ALL: listing.show,
    actions.BESIDE: side_by_side.show,
    actions.HISTORY: history.show,
    actions.IMPORT: importing.show,
}

menu.begin("Models")
st.title("Models")
next_run.begin()
try:
    service.show()
    section = sections.choose(list(SECTIONS), actions.VIEW)
    SECTIONS[section]()
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
