"""Runs: all of them in a table; one in detail, or several side by side."""

import hashlib
from collections.abc import Sequence

import streamlit as st

from har_ui import terms
from har_ui.training import actions, comparison, detail, records, tables, words
from har_ui.training.records import View

_ROWS = 8


def show() -> None:
    """Draws the section."""
    views = records.newest_first()
    if not views:
        st.info("Nothing was trained yet.", icon=":material/history:")
        st.button("New run", icon=":material/add:", type="primary", on_click=actions.show, args=(actions.NEW,))
        return
    chosen = [views[row] for row in _table(views)]
    actions.choose([view.run.id for view in chosen])
    if len(chosen) > 1:
        comparison.show(chosen)
    elif chosen:
        detail.show(chosen[0])
    else:
        st.caption("Tick a run to see all of it; tick two or more to compare them.")


def _table(views: Sequence[View]) -> list[int]:
    """Draws all runs; gives the rows that are ticked."""
    ids = [view.run.id for view in views]
    rows = [row for row, name in enumerate(ids) if name in actions.chosen()]
    # Rows are ticked by their number, so a table with other rows begins anew, with the runs that are chosen.
    key = f"runs-{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:12]}"
    ticked = st.dataframe(
        tables.overview(views),
        hide_index=True,
        column_config=_COLUMNS,
        column_order=list(_COLUMNS),
        height=38 + 35 * min(len(views), _ROWS),
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        placeholder="",
        alt="All runs, newest first",
    )
    return sorted(row for row in ticked.selection.rows if row < len(views))


_COLUMNS = {
    "run": st.column_config.TextColumn("Run", pinned=True),
    "state": st.column_config.MultiselectColumn(
        "State", options=list(words.STATES), color=[colour for colour, _ in words.STATES.values()], width=110
    ),
    "accuracy": st.column_config.NumberColumn(
        "Accuracy", format="%.1f %%", help=f"On the test split. {terms.ACCURACY}", width=85
    ),
    "macro_f1": st.column_config.NumberColumn(
        "Macro-F1", format="%.1f %%", help=f"On the test split. {terms.MACRO_F1}", width=85
    ),
    "best": st.column_config.NumberColumn(
        "Best val.", format="%.1f %%", help="Accuracy on validation, after the best epoch.", width=85
    ),
    "took": st.column_config.TextColumn("Took", width=70),
    "when": st.column_config.DatetimeColumn("Begun", format="distance", width=110),
    "recipe": st.column_config.TextColumn("Recipe", help=terms.RECIPE),
    "dataset": st.column_config.TextColumn("Dataset"),
}
