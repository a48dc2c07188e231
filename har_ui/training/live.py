"""Live: the run that is under way, second by second, those that wait, and how those ended that a visitor watched."""

from collections.abc import Sequence

import streamlit as st

from har_core.errors import HarError
from har_ui import next_run
from har_ui.page import plain
from har_ui.training import actions, curves, records, words, worker
from training import queue, runs
from training.runs import Run

_LOG_LINES = 60


def show() -> None:
    """Draws the section."""
    _ended()
    running = records.running()
    for run in running:
        actions.watch(run)
    if running or _waiting():
        _follow([run.id for run in running])
    else:
        st.info("Nothing is being trained, and nothing waits.", icon=":material/bedtime:")
        st.button("New run", icon=":material/add:", type="primary", on_click=actions.show, args=(actions.NEW,))


@st.fragment(run_every=1)
def _follow(running: Sequence[str]) -> None:
    """Looks once a second; as soon as a run begins or ends, the page is drawn anew, without this where nothing is left.

    Args:
        running: The runs that were under way when the page was drawn.
    """
    next_run.tell()
    now, waiting = records.running(), _waiting()
    if [run.id for run in now] != list(running) or not (now or waiting):
        st.rerun()
    for number, run in enumerate(now):
        _run(run, is_first=number == 0)
    if waiting:
        _queue(waiting, is_idle=not now)


def _run(run: Run, is_first: bool) -> None:
    """One run; of all but the first only how far it is."""
    view = records.view_of(run)
    with st.container(border=True, key=f"live-{run.id}"):
        text, button = st.columns([5, 1], vertical_alignment="center")
        text.header(f"{plain(run.model)} on {plain(run.record.dataset)}")
        text.caption(plain(words.plan(run.recipe)))
        is_stopping = run.is_cancelled()
        button.button(
            "Stopping …" if is_stopping else "Stop",
            icon=":material/stop_circle:",
            help="The best epoch so far is kept: the run can be resumed, or a model made of it.",
            key=f"stop-{run.id}",
            width="stretch",
            disabled=is_stopping,
            on_click=actions.stop,
            args=(run,),
        )
        share, progress = words.progress(run.progress())
        st.progress(share, progress)
    if is_first:
        curves.tiles(view)
        curves.show(view)
        with st.expander("Log", icon=":material/notes:", key="live-log"):
            st.code("\n".join(run.log(_LOG_LINES)) or "Nothing was printed yet.", language=None, wrap_lines=True)


def _queue(waiting: Sequence[Run], is_idle: bool) -> None:
    st.header("Waiting" if len(waiting) == 1 else f"{len(waiting)} are waiting")
    problem = worker.keep_alive()
    if problem:
        st.warning(problem, icon=":material/power_off:")
    elif is_idle:
        st.caption(":material/progress_activity: The worker that trains is about to begin …")
    for position, run in enumerate(waiting, start=1):
        text, button = st.columns([5, 1], vertical_alignment="center")
        text.markdown(
            f"**{position}.** {plain(run.model)} on {plain(run.record.dataset)} :gray[{plain(words.plan(run.recipe))}]"
        )
        button.button(
            "Cancel",
            icon=":material/close:",
            key=f"cancel-{run.id}",
            width="stretch",
            on_click=actions.stop,
            args=(run,),
        )


def _waiting() -> list[Run]:
    """Those that wait, in order; that the queue cannot be reached is said at the top of the page."""
    try:
        return [runs.find(name) for name in queue.waiting()]
    except HarError:
        return []


def _ended() -> None:
    """Says how the runs ended that the visitor watched, until that has been read."""
    for name in actions.watched():
        view = records.find(name)
        if view is None or not view.is_over:
            continue
        with st.container(horizontal=True, vertical_alignment="center", key=f"ended-{name}"):
            message = st.container()
            st.button(
                "Details",
                icon=":material/open_in_new:",
                key=f"open-{name}",
                on_click=actions.open_run,
                args=(view.run,),
            )
            st.button(
                "Close",
                icon=":material/close:",
                type="tertiary",
                key=f"forget-{name}",
                on_click=actions.forget,
                args=(view.run,),
            )
        with message:
            curves.how_it_ended(view)
