"""The way into service: a model is checked, what came of it is shown, and somebody answers for it with a name."""

from typing import Any

import streamlit as st

from har_core import promotion, serving
from har_core.bundle import Bundle
from har_core.config import settings
from har_core.errors import HarError, PromotionRefused
from har_core.serving import Check
from har_ui import next_run
from har_ui.models import actions, check_list, service
from har_ui.models.progress_bar import progress_bar
from har_ui.page import plain
from training import registry

_CHECKED = "models-checked"


def show(model: Bundle) -> None:
    """Draws the panel; none where it is not decided here, of which ``service.show`` speaks."""
    in_service = service.reference()
    if model.reference == in_service:
        with st.container(border=True, key="gate"):
            st.markdown(":material/check_circle: It is in service: the app and the API answer with it.")
    elif not (serving.is_pinned() or settings().follow):
        with st.container(border=True, key="gate"):
            st.subheader("Put into service")
            _gate(model, in_service)


def _gate(model: Bundle, in_service: str) -> None:
    # What was found holds for these two models only.
    key = f"{model.digest} {in_service}"
    st.caption(
        "To answer in place of the one in service it has to pass these checks: its files are as written, it gives its "
        "golden answers, it answers as it did when it was trained, it is not worse on the test photos, and it is fast "
        "enough here."
    )
    checks = _found(key)
    if st.button(
        "Check again" if checks else "Check it",
        icon=":material/fact_check:",
        type="secondary" if checks else "primary",
        key="check",
    ):
        with progress_bar("Checking the model …") as tell:
            checks = promotion.examine(model, tell)
        st.session_state[_CHECKED] = key, checks
        st.rerun()
    if checks:
        check_list.show(checks)
        if any(check.is_final and not check.passed for check in checks):
            st.error(
                "It cannot be put into service: something is wrong with the model itself. The one in service stays.",
                icon=":material/block:",
            )
        else:
            _form(model, not all(check.passed for check in checks), key)


def _found(key: str) -> list[Check]:
    """What came of the checks, where it still holds."""
    checked, checks = st.session_state.get(_CHECKED, ("", []))
    return checks if checked == key else []


def _form(model: Bundle, is_failed: bool, key: str) -> None:
    """Asks who wants it, and why."""
    with st.form("promote"):
        if is_failed:
            st.warning(
                "Not every check was passed. With a reason it can be put into service all the same; the history keeps "
                "the reason.",
                icon=":material/warning:",
            )
        override = st.text_input("Reason to do it all the same", max_chars=500, key="override") if is_failed else ""
        left, right = st.columns(2)
        with left:
            who = actions.asker("promote")
        why = right.text_input("What for (optional)", max_chars=500, key="why")
        if not st.form_submit_button("Put into service", type="primary", icon=":material/rocket_launch:"):
            return
    if not who:
        st.error("Say who you are: the history keeps it.", icon=":material/badge:")
    elif is_failed and not override.strip():
        st.error("A reason is needed, since not all checks were passed.", icon=":material/edit_note:")
    else:
        _promote(model.reference, key, who=who, why=why.strip(), override=override.strip())


def _promote(reference: str, key: str, **words: Any) -> None:
    try:
        with progress_bar("Checking the model …") as tell:
            promotion.promote(reference, **words, progress=tell)
    except PromotionRefused as error:
        st.session_state[_CHECKED] = key, error.checks
        st.error(plain(str(error)), icon=":material/block:")
    except HarError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        registry.mirror_soon()
        actions.remember(words["who"])
        next_run.say(f"{plain(reference)} is in service now. App and API answer with it within a few seconds.")
        st.rerun()
