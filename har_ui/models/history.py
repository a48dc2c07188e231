"""History: which models were in service, since when, by whom and why."""

import streamlit as st

from har_core import serving
from har_core.serving import Entry
from har_ui.models import actions, check_list, tables
from har_ui.page import plain

_ROWS = 14


def show() -> None:
    """Draws the section."""
    entries = serving.history()
    if not entries:
        st.info(
            "No model was put into service here yet: the one that the settings name answers. Under *All models*, "
            "another one can be checked and put in its place.",
            icon=":material/history:",
        )
        return
    ticked = st.dataframe(
        tables.history(entries),
        hide_index=True,
        column_config=_COLUMNS,
        height=38 + 35 * min(len(entries), _ROWS),
        # A row is ticked by its number, so a longer table begins anew.
        key=f"history-{len(entries)}",
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
        alt="Each time that a model was put into service, newest first",
    )
    rows = [row for row in ticked.selection.rows if row < len(entries)]
    if rows:
        _one(entries[rows[0]])
    else:
        st.caption("Tick a line to see what was checked.")


def _one(entry: Entry) -> None:
    """What was checked, and what was said."""
    when = tables.moment(entry.when)
    st.header(f"{plain(entry.model)} {tables.ACTIONS[entry.action]}")
    moment = f", {when:%Y-%m-%d %H:%M} UTC" if when else ""
    st.caption(f"Instead of {plain(entry.before)}, by {plain(entry.who)}{moment}")
    if entry.why:
        st.markdown(f"**Why**: {plain(entry.why)}")
    if entry.override:
        st.warning(f"Although not every check was passed: {plain(entry.override)}", icon=":material/edit_note:")
    check_list.show(entry.checks)
    st.button("Show the model", icon=":material/deployed_code:", on_click=actions.open_model, args=(entry.model,))


_COLUMNS = {
    "when": st.column_config.DatetimeColumn("When", format="YYYY-MM-DD HH:mm", timezone="UTC", width=130),
    "what": st.column_config.TextColumn("What", width=115),
    "model": st.column_config.TextColumn("Model", width=110),
    "before": st.column_config.TextColumn("Instead of", width=110),
    "who": st.column_config.TextColumn("Who", width=110),
    "why": st.column_config.TextColumn("Why", width=130),
    "override": st.column_config.TextColumn("Overridden because", help="Although not every check was passed."),
}
