"""Confusions: the matrix, the pairs that are most often confused, and the photos behind each cell."""

from collections.abc import Sequence

import streamlit as st

from har_core.evaluation import charts
from har_ui.datasets import tiles
from har_ui.datasets.query import count_pages, page_slice
from har_ui.evaluation import state, tables, words
from har_ui.evaluation.view import View
from har_ui.page import label_text

_MOST = 25
_PER_PAGE = 12
_PAIRS = 8
_STILL = {"displayModeBar": False}
_ORDERS = ("most confused first", "A to Z")
_STYLE = """<style>
.st-key-cell-photos { position: sticky; top: 4rem; }
</style>"""


def show(view: View) -> None:
    """Draws the section."""
    st.html(_STYLE)
    order, normalised = _controls(view)
    matrix, photos = st.columns([5, 3], gap="medium")
    with matrix:
        _matrix(view, order, normalised)
    with photos.container(key="cell-photos"):
        _photos(view)
        _pairs(view)


def _controls(view: View) -> tuple[Sequence[int], bool]:
    """Which labels are shown, in which order; and whether as shares of a row."""
    count = len(view.labels)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        values = st.segmented_control(
            "Values", ["photos", "% of the label"], default="photos", required=True, key="values", persist_state="page"
        )
        by = st.segmented_control(
            "Order", _ORDERS, default=_ORDERS[0], required=True, key="order-of-labels", persist_state="page"
        )
        few = count > _MOST and (
            st.segmented_control(
                "Labels",
                [f"{_MOST} most confused", f"all {count}"],
                default=f"{_MOST} most confused",
                required=True,
                key=f"labels-of-{count}",
                persist_state="page",
            )
            != f"all {count}"
        )
    order = charts.order_by_confusion(view.confusion)[: _MOST if few else count]
    if by != _ORDERS[0]:
        order = sorted(order, key=lambda label: label_text(view.labels[label]))
    return order, values != "photos"


def _matrix(view: View, order: Sequence[int], normalised: bool) -> None:
    cell = state.cell()
    chosen = (view.labels.index(cell[0]), view.labels.index(cell[1])) if _is_known(view, cell) and cell else None
    key = "confusion-matrix"

    def choose() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points:
            label, found = (view.labels[index] for index in points[0]["customdata"][:2])
            state.choose_cell(label, found)

    st.plotly_chart(
        charts.confusion_matrix(view.confusion, view.labels, normalised, order, chosen),
        config=_STILL,
        key=key,
        on_select=choose,
        selection_mode="points",
        alt="Confusion matrix",
    )


def _photos(view: View) -> None:
    """The photos of the cell that was chosen."""
    cell = state.cell()
    if cell is None or not _is_known(view, cell):
        st.caption(":material/touch_app: Click a cell, or tick a pair below: its photos are shown here.")
        return
    label, found = cell
    photos = view.answered(label, found)
    right = label == found
    st.markdown(f"**{words.name(label)}**, recognised" if right else words.mistake(label, found))
    st.caption(f"{words.photos(len(photos))}, the most confident answers first.")
    if photos.empty:
        return
    pages = count_pages(len(photos), _PER_PAGE)
    page = st.pagination(pages, max_visible_pages=5, key=f"cell-page-{label}-{found}") if pages > 1 else 1
    shown = photos.iloc[page_slice(min(page, pages), _PER_PAGE)]
    tiles.show(shown, key="cell", texts=[f"{confidence:.0%}" for confidence in shown["confidence"]])
    if not right:
        st.button(
            "Decide on them in the gallery",
            icon=":material/gavel:",
            on_click=state.show_pair,
            args=(label, found),
            key="decide-on-cell",
        )


def _pairs(view: View) -> None:
    st.markdown("##### Most often confused")
    if view.pairs.empty:
        st.markdown("Nothing: every answer is right.")
        return
    table = tables.pairs(view)
    key = f"pairs-{view.choice.model}"

    def choose() -> None:
        for row in st.session_state[key]["selection"]["rows"]:
            if row < len(view.pairs):
                label, found = (view.labels[view.pairs[side].iloc[row]] for side in ("truth", "found"))
                state.choose_cell(label, found)

    st.dataframe(
        table,
        hide_index=True,
        column_config=tables.PAIRS,
        column_order=["label", "found", "count"],
        height=38 + 35 * min(len(table), _PAIRS),
        key=key,
        on_select=choose,
        selection_mode="single-row",
        alt="Labels that are taken for another, the most frequent first",
    )


def _is_known(view: View, cell: tuple[str, str] | None) -> bool:
    return cell is not None and set(cell) <= set(view.labels)
