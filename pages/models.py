"""All models: how good they are, where they come from, and which one is in service."""

import streamlit as st

from har_core.errors import HarError
from har_ui import page
from har_ui.models import actions, history, importing, listing, service, side_by_side

SECTIONS = {
    actions.ALL: listing.show,
    actions.BESIDE: side_by_side.show,
    actions.HISTORY: history.show,
    actions.IMPORT: importing.show,
}

st.title("Models")
actions.show_news()
actions.turn()
try:
    service.show()
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        default=None if actions.VIEW in st.session_state else actions.ALL,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        key=actions.VIEW,
        bind="query-params",
    )
    SECTIONS[section]()
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
