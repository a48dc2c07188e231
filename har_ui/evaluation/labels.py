"""Labels: the figures of each, and precision over recall of some."""

from collections.abc import Sequence

import streamlit as st

from har_core.evaluation import charts, curves
from har_core.labels import label_text
from har_ui import terms
from har_ui.evaluation import tables
from har_ui.evaluation.view import View
from har_ui.page import plain

_FIRST = 3
_ROWS = 12
_STILL = {"displayModeBar": False}


def show(view: View) -> None:
    """Draws the section."""
    table = tables.per_label(view).sort_values("f1", kind="stable")
    st.dataframe(
        table,
        hide_index=True,
        column_config=tables.LABELS,
        column_order=list(tables.LABELS),
        height=38 + 35 * min(len(table), _ROWS),
        alt="Figures of each label, the lowest F1 first",
    )
    silent = [label for label, count in zip(view.labels, view.per_label["photos"], strict=True) if not count]
    if silent:
        st.caption(f"No photo shows: {', '.join(plain(label_text(label)) for label in silent)}.")
    _curves(view, [view.labels[place] for place in table.index])


def _curves(view: View, labels: Sequence[str]) -> None:
    """Precision over recall; the labels that are hardest are proposed."""
    st.header("Precision over recall", help=f"{terms.PRECISION} {terms.RECALL}")
    chosen = st.multiselect(
        "Labels",
        sorted(labels),
        default=labels[:_FIRST],
        format_func=label_text,
        max_selections=charts.MOST_LINES,
        key=f"curves-{view.choice.model}-{view.choice.dataset.name}-{view.choice.part}",
        persist_state="page",
    )
    if not chosen:
        return
    found = {label: curves.precision_recall(view.answers, view.labels.index(label)) for label in chosen}
    st.plotly_chart(
        charts.precision_recall(found, view.labels), config=_STILL, key="precision-recall", alt="Precision over recall"
    )
    st.caption(
        "Each point is a bar for the label's probability: the lower the bar, the more of its photos are found "
        "(recall), and the more others come along (precision falls)."
    )
