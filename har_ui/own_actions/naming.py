"""Step 1: the names of the actions."""

import streamlit as st

from har_core.datasets.collection import LONGEST_NAME, MOST_ACTIONS, Collection, Record
from har_core.errors import HarError
from har_ui import next_run
from har_ui.page import plain

_FIELD = "own-action-name"


def show(current: Collection, record: Record) -> None:
    """Draws the step."""
    st.header("1 · Name the actions")
    with (
        st.form("own-name", border=False, clear_on_submit=True, width=560),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        text = st.text_input(
            "An action, or several with commas between",
            placeholder="waving, arms crossed, drinking",
            max_chars=MOST_ACTIONS * (LONGEST_NAME + 2),
            key=_FIELD,
        )
        asked = st.form_submit_button(
            "Add", icon=":material/add:", type="secondary" if len(record.actions) > 1 else "primary"
        )
    if asked:
        _add(current, text)
        st.rerun()
    if len(record.actions) < 2:
        st.caption(
            "At least two: a model chooses between actions. One of them may well be *nothing of it*, with photos in "
            "which nobody does any of the others."
        )


def change(current: Collection, record: Record, action: str) -> None:
    """Draws the way to another name for an action, or to be rid of it."""
    place = record.actions.index(action)
    with st.popover(
        "Change",
        icon=":material/edit:",
        type="tertiary",
        help=f"Rename or remove {plain(action)}",
        key=f"own-change-{place}",
    ):
        with st.form(f"own-rename-{place}", border=False):
            text = st.text_input("New name", action, max_chars=LONGEST_NAME, key=f"own-new-name-{place}-{action}")
            is_renamed = st.form_submit_button("Rename", icon=":material/edit:")
        said = st.container()
        is_removed = _remove(place, action, len(record.of(action)))
        try:
            if is_renamed and text != action:
                current.rename_action(action, text)
                st.rerun()
            if is_removed:
                current.remove_action(action)
                next_run.say(f"Removed {plain(action)}.", ":material/delete:")
                st.rerun()
        except HarError as error:
            said.error(plain(str(error)), icon=":material/error:")


def _remove(place: int, action: str, count: int) -> bool:
    """Draws the way to be rid of an action; one that has photos asks first."""
    is_meant = not count or st.checkbox(
        f"Yes, delete its {count} photo{'s' * (count != 1)} for good", key=f"own-gone-{place}-{action}"
    )
    return st.button(
        "Remove it with its photos" if count else "Remove it",
        icon=":material/delete:",
        disabled=not is_meant,
        key=f"own-remove-{place}",
    )


def _add(current: Collection, text: str) -> None:
    """Adds what stands between the commas; what is refused does not cost the others."""
    problems = []
    for part in [part for part in text.split(",") if part.strip()] or [text]:
        try:
            current.add_action(part)
        except HarError as error:
            problems.append(plain(str(error)))
    if problems:
        next_run.complain("  \n".join(problems))
