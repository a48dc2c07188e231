"""From accepted photos to a dataset: the form, and what came of it."""

import json
from collections import Counter
from typing import Any

import streamlit as st

from har_core.datasets import store
from har_core.errors import HarError
from har_ui import jobs
from har_ui.datasets import commands, job_panel
from har_ui.evaluation.words import photos
from har_ui.feedback import actions
from har_ui.page import plain

_SEEN = "feedback-seen-job"
_NEW_NAME = "feedback"


def show(count: int) -> None:
    """Draws the form.

    Args:
        count: How many photos are accepted.
    """
    with st.container(border=True, key="adding"):
        st.header(f"Add {photos(count)} to a dataset")
        st.caption(
            "Where there is no dataset of that name, a new one is made. In one that is split, the photos are for "
            "training; one that nearly shows a photo that is measured on is kept apart, so that figures stay honest."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox(
                "Dataset",
                store.names(),
                index=0 if store.names() else None,
                accept_new_options=True,
                placeholder=f"A new name: {_NEW_NAME}",
                key="add-to",
                width=300,
            )
            is_asked = st.button(
                "Add",
                icon=":material/library_add:",
                type="primary",
                disabled=not name or job_panel.is_busy(),
                key="add",
            )
        if is_asked and name:
            try:
                job_panel.begin(
                    commands.append_feedback(name) if name in store.names() else commands.import_feedback(name)
                )
            except HarError as error:
                st.error(plain(str(error)), icon=":material/error:")


def follow(job: jobs.Job | None) -> None:
    """Once an addition is over, has the page show what was added; before the page's choice is drawn."""
    if job and _is_ours(job) and job.state() == "done" and st.session_state.get(_SEEN) != job.id:
        st.session_state[_SEEN] = job.id
        actions.show("added")


def outcome(job: jobs.Job | None) -> None:
    """Says what came of an addition to a dataset that was there."""
    if job is None or not _is_ours(job) or job.state() != "done":
        return
    found = _result(job)
    if not found:
        return
    parts = [f"{photos(found['added'])} added to **{plain(found['name'])}**, {found['for_training']} for training."]
    if found["apart"]:
        parts.append(f"{len(found['apart'])} nearly show a photo of *val* or *test*, and stay in no split.")
    reasons = Counter(item["message"] for item in found["left_out"])
    parts += [f"Left out: {photos(count)}. {plain(message)}" for message, count in reasons.most_common(3)]
    (st.success if found["added"] else st.warning)("  \n".join(parts), icon=":material/library_add_check:")


def _is_ours(job: jobs.Job) -> bool:
    return "--from=feedback" in job.arguments or job.arguments[:3] == ["data", "import", "feedback"]


def _result(job: jobs.Job) -> dict[str, Any]:
    try:
        found = json.loads(job.printed())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
