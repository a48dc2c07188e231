"""What came of the checks that a model has to pass to get into service."""

from collections.abc import Sequence

import streamlit as st

from har_core.serving import Check
from har_ui.page import plain


def show(checks: Sequence[Check]) -> None:
    """Draws them, one below the other."""
    for check in checks:
        st.markdown(f"{_mark(check)} **{plain(check.title)}**  \n{plain(check.detail)}")


def _mark(check: Check) -> str:
    if check.passed:
        return ":green[:material/check_circle:]"
    return ":red[:material/cancel:]" if check.is_final else ":orange[:material/warning:]"
