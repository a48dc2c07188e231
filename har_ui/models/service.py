"""Which model is in service, and the way back to the one before."""

import streamlit as st

from har_core import promotion, serving
from har_core.config import settings
from har_core.errors import HarError, ModelError
from har_core.serving import Entry
from har_ui import next_run
from har_ui.models import actions, tables
from har_ui.page import plain
from training import registry


def reference() -> str:
    """The model in service, ``NAME@VERSION``; empty where that cannot be told, of which ``show`` speaks."""
    try:
        return serving.in_service()
    except ModelError:
        return ""


def show() -> None:
    """Draws which one it is, and what is wrong with it; with a way back, above all where something is."""
    is_pinned, follows = serving.is_pinned(), settings().follow
    try:
        entries, stack = serving.history(), serving.stack()
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="service"):
            st.markdown(_line(serving.in_service(), None if is_pinned or not entries else entries[0]))
            if len(stack) > 1 and not (is_pinned or follows):
                _roll_back(stack[-2])
        if is_pinned:
            st.info(
                f"`HAR_MODEL` pins the model in service to {plain(settings().model)}. To put another one into service "
                "here, have it name no version, and start the app and the API again.",
                icon=":material/push_pin:",
            )
        elif follows:
            st.info(
                "This host follows what is put in service elsewhere (`HAR_FOLLOW`): promote and roll back there.",
                icon=":material/sync:",
            )
        serving.find()
    except ModelError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _line(in_service: str, last: Entry | None) -> str:
    text = f":green-badge[:material/check_circle: in service] **{plain(in_service)}**"
    if last is None:
        return text
    when = tables.moment(last.when)
    moment = f", {when:%Y-%m-%d %H:%M} UTC" if when else ""
    return f"{text} :gray[{tables.ACTIONS[last.action]} by {plain(last.who)}{moment}]"


def _roll_back(before: str) -> None:
    with st.popover("Roll back", icon=":material/undo:", key="roll-back"):
        st.markdown(f"Puts **{plain(before)}** back into service, which was there before. It is verified first.")
        with st.form("roll-back-form", border=False):
            who = actions.asker("roll-back")
            why = str(st.text_input("Why (optional)", max_chars=500, key="roll-back-why")).strip()
            asked = st.form_submit_button("Roll back", type="primary", icon=":material/undo:")
        if not asked:
            return
        if not who:
            st.error("Say who you are: the history keeps it.", icon=":material/badge:")
            return
        try:
            with st.spinner("Verifying …"):
                entry = promotion.roll_back(who, why)
        except HarError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            registry.mirror_soon()
            actions.remember(who)
            next_run.say(f"{plain(entry.model)} is back in service. App and API answer with it within a few seconds.")
            st.rerun()
