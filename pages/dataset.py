"""Import photos with labels, look at them, and put right what is wrong with them."""

import streamlit as st

from har_core.datasets import store
from har_core.errors import HarError
from har_ui import menu, next_run, page, sections
from har_ui.datasets import detail, gallery, importing, job_panel, overview, photo_map, review, tiles
from har_ui.datasets.view import view_of

SECTIONS = {"Overview": overview.show, "Photos": gallery.show, "Map": photo_map.show, "Review": review.show}
IMPORT = "Import"


def show_dataset(name: str, section: str) -> None:
    """Draws a section of a dataset, and the photo that was chosen in it."""
    try:
        tiles.style()
        view = view_of(store.load(name))
        SECTIONS[section](view)
        detail.show_chosen(view)
    except HarError as error:
        st.error(page.plain(str(error)), icon=":material/error:")


menu.begin("Dataset")
st.title("Dataset")
next_run.begin()
imported = job_panel.show()
names = store.names()
if imported in names:
    st.session_state["dataset"], st.session_state["section"] = imported, "Overview"

if not names:
    importing.show_empty()
else:
    chosen_name, chosen_section = st.columns([1, 3], vertical_alignment="bottom")
    name = chosen_name.selectbox("Dataset", names, key="dataset", bind="query-params")
    with chosen_section:
        section = sections.choose([*SECTIONS, IMPORT], "section")
    if section == IMPORT:
        importing.show()
    else:
        show_dataset(name, section)
