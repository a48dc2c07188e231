"""Confusions: the matrix, the pairs that are most often confused, and the photos behind each cell."""

from collections.abc import Sequence

import streamlit as st

from har_core.evaluation import charts
from har_core.labels import label_text
from har_ui import paging
from har_ui.datasets import tiles
from har_ui.evaluation import state, tables, words
from har_ui.evaluation.view import View

_MOST = 25
_PER_PAGE = 12
_PAIRS = 8
_STILL = {"displayModeBar": False}
_ORDERS = ("most confused first", "A to Z")
# The photos stay in sight, however far down the cell that was clicked.
_STYLE = """<style>
@media (min-width: 641px) {
  [data-testid="stLayoutWrapper"]:has(> .st-key-cell-photos) {
    position: sticky; top: 4.5rem; max-height: calc(100vh - 6rem); overflow-y: auto;
  }
}
</style>"""


def show(view: View) -> None:
    """Draws the section."""
    st.html(_STYLE)
    order, normalised = _controls(view)
    cell = _cell(view)
    matrix, photos = st.columns([5, 3] if len(order) <= _MOST else [7, 3], gap="medium")
    with matrix:
        _matrix(view, order, normalised, cell)
        _pairs(view)
    with photos.container(key="cell-photos"):
        if cell:
            _photos(view, *cell)


def _cell(view: View) -> state.Pair | None:
    """The cell that was chosen; at first the most frequent confusion."""
    chosen = state.cell()
    if chosen and set(chosen) <= set(view.labels):
        return chosen
    return view.confused[0] if view.confused else None


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


def _matrix(view: View, order: Sequence[int], normalised: bool, cell: state.Pair | None) -> None:
    # To mark a cell is to draw all of them anew: of many, the browser colours the one that was clicked by itself.
    marked = cell if len(order) <= _MOST else None
    chosen = (view.labels.index(marked[0]), view.labels.index(marked[1])) if marked else None
    key = "confusion-matrix"

    def choose() -> None:
        for point in st.session_state[key]["selection"]["points"]:
            label, found, *_ = point["customdata"]
            state.choose_cell(view.labels[label], view.labels[found])

    st.plotly_chart(
        charts.confusion_matrix(view.confusion, view.labels, normalised, order, chosen),
        config=_STILL,
        key=key,
        on_select=choose,
        selection_mode="points",
        alt="Confusion matrix",
    )
    hint = "Click a cell, or tick a pair below, to see its photos."
    if len(order) > charts.MOST_NAMED_COLUMNS:
        hint = f"The columns are in the order of the rows; touch a cell to see its names. {hint}"
    st.caption(f":material/touch_app: {hint}")


def _photos(view: View, label: str, found: str) -> None:
    """The photos of a cell."""
    photos = view.answered(label, found)
    right = label == found
    st.markdown(f"**{words.name(label)}**, recognised" if right else words.mistake(label, found))
    st.caption(words.photos(len(photos)) + ", the most confident answers first" * (len(photos) > 1))
    if photos.empty:
        return
    shown = photos.iloc[paging.turned_to(len(photos), _PER_PAGE, f"cell-page-{label}-{found}")]
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
    st.header("Most often confused")
    if not view.confused:
        st.markdown("Nothing: every answer is right.")
        return
    key = f"pairs-{view.choice.model}"

    def choose() -> None:
        for row in st.session_state[key]["selection"]["rows"]:
            state.choose_cell(*view.confused[row])

    st.dataframe(
        tables.pairs(view),
        hide_index=True,
        column_config=tables.PAIRS,
        height=38 + 35 * min(len(view.confused), _PAIRS),
        key=key,
        on_select=choose,
        selection_mode="single-row",
        alt="Labels that are taken for another, the most frequent first",
    )
