"""Photos: filter, sort and page through them."""

import streamlit as st

from har_core.datasets.manifest import SPLITS
from har_core.labels import label_text
from har_ui import paging
from har_ui.datasets import tiles
from har_ui.datasets.query import NO_SPLIT, ORDERS, Filters, choose
from har_ui.datasets.view import FLAGS, View

PER_PAGE = 24


def show(view: View) -> None:
    """Draws the section."""
    filters = _filters(view)
    found = choose(view.photos, filters)
    count, pager = st.columns([1, 2], vertical_alignment="center")
    total = len(view.photos)
    count.markdown(f"**{len(found):,}** of {total:,} photos")
    if found.empty:
        st.info("No photo is like that. Take a filter away.", icon=":material/filter_alt_off:")
        return
    with pager:
        shown = paging.turned_to(len(found), PER_PAGE, f"photos-page-{hash((view.dataset.name, filters))}")
    tiles.show(found.iloc[shown], key="gallery")


def _filters(view: View) -> Filters:
    def key(name: str) -> str:
        return f"{name}-{view.dataset.name}"

    titles = {flag.column: f"{flag.icon} {flag.title}" for flag in FLAGS}
    with st.grid(5, min_column_width=140, gap="small"):
        labels = st.multiselect(
            "Label",
            view.labels,
            format_func=label_text,
            placeholder="any",
            key=key("labels"),
            persist_state="page",
        )
        splits = st.multiselect(
            "Split", [*SPLITS, NO_SPLIT], placeholder="any", key=key("splits"), persist_state="page"
        )
        sources = st.multiselect("Source", view.sources, placeholder="any", key=key("sources"), persist_state="page")
        order = st.selectbox(
            "Order", ORDERS, format_func=lambda order: order.title, key=key("order"), persist_state="page"
        )
        text = st.text_input(
            "Part of the path", icon=":material/search:", key=key("text"), type="search", persist_state="page"
        )
    flags = st.pills(
        "Only photos that are …",
        list(titles),
        selection_mode="multi",
        format_func=titles.__getitem__,
        key=key("flags"),
        persist_state="page",
    )
    return Filters(tuple(labels), tuple(splits), tuple(sources), tuple(flags or ()), text.strip(), order)
