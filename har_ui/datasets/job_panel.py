"""The job that a visitor follows: its progress while it runs, and how it ended."""

import time

import streamlit as st

from har_ui import jobs
from har_ui.datasets.commands import Command
from har_ui.jobs import Job
from har_ui.page import plain

_FOLLOWED = "followed-job"
_PACE = "job-pace"
_SECONDS_BEFORE_A_GUESS = 2.0


def begin(command: Command) -> None:
    """Starts a job and follows it from now on; ends the page's run, unless the job was refused."""
    try:
        job = jobs.start(command.title, command.arguments)
    except jobs.JobRefused as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.session_state[_FOLLOWED] = job.id
    st.rerun()


def followed() -> Job | None:
    """The job that this visitor follows, running or over, until the visitor has read how it ended."""
    return jobs.find(st.session_state.get(_FOLLOWED, ""))


def is_busy() -> bool:
    """Whether a job is running, so that no other can be started."""
    return jobs.running() is not None


def show() -> str | None:
    """Draws the job that is running, or how the one ended that this visitor follows.

    Returns:
        The name of a dataset that was imported since the page last looked.
    """
    job = followed() or jobs.running()
    if job is None:
        return None
    if job.state() == "running":
        st.session_state[_FOLLOWED] = job.id
        _follow(job)
        return None
    return _outcome(job)


def pace(done: int, total: int, since: int, seconds: float) -> str:
    """How fast it goes and how long it will take, in words; empty as long as that is not known.

    Args:
        done: Steps done by now.
        total: Steps in all.
        since: Steps done when the clock was started.
        seconds: On the clock.
    """
    if seconds < _SECONDS_BEFORE_A_GUESS or done <= since:
        return ""
    rate = (done - since) / seconds
    return f"{rate:,.0f} a second" * (rate >= 1) + " · " * (rate >= 1) + f"about {span((total - done) / rate)} left"


def span(seconds: float) -> str:
    """A span of time, as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def ended_well(job: Job) -> bool:
    """Whether a job that is over did what it was to do.

    A check that finds something wrong with a dataset ends with a failure's status, too, but complains of nothing. So
    does an evaluation that came upon photos which cannot be read, but it prints its figures all the same.
    """
    if job.state() != "failed":
        return job.state() == "done"
    if job.arguments[:2] == ["data", "check"]:
        return not job.errors()
    return job.arguments[0] == "evaluate" and job.has_printed


@st.fragment(run_every=1)
def _follow(job: Job) -> None:
    """Looks once a second; as soon as the job is over, the page is drawn anew, without this."""
    if job.state() != "running":
        st.rerun()
    with st.container(border=True, key="job"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f":material/progress_activity: **{plain(job.title)}**", width="content")
            st.button("Stop", icon=":material/stop_circle:", on_click=job.cancel, key="stop-job")
        share, text = _progress(job)
        st.progress(share, text)


def _progress(job: Job) -> tuple[float, str]:
    now = job.progress()
    ran = f"{span(time.time() - job.started)} so far"
    if now is None or now.total <= 1:
        return 0.0, f"{now.what if now else 'starting'} · {ran}"
    clock = (job.id, now.what, now.total)
    key, since, start = st.session_state.get(_PACE, (None, 0, 0.0))
    if key != clock:
        since, start = now.done, time.monotonic()
        st.session_state[_PACE] = (clock, since, start)
    speed = pace(now.done, now.total, since, time.monotonic() - start)
    parts = [f"{now.what}: {now.done:,} of {now.total:,}", speed or ran]
    return min(1.0, now.done / now.total), " · ".join(parts)


def _outcome(job: Job) -> str | None:
    """Says how a job ended, until the visitor has read it."""
    with st.container(horizontal=True, vertical_alignment="center", key="job"):
        message = st.container()
        st.button(
            "Close",
            icon=":material/close:",
            type="tertiary",
            key="close-job",
            on_click=st.session_state.pop,
            args=(_FOLLOWED, None),
        )
    complaints = "\n".join(f"- {plain(line)}" for line in job.errors())
    if ended_well(job):
        message.success(f"{plain(job.title)}: done.", icon=":material/check_circle:")
    elif job.state() == "interrupted":
        message.warning(
            f"{plain(job.title)}: stopped before its end. Started again, imports and evaluations go on from there.",
            icon=":material/stop_circle:",
        )
    else:
        message.error(f"{plain(job.title)}: this did not work.\n\n{complaints}", icon=":material/error:")
    return _imported(job)


def _imported(job: Job) -> str | None:
    """The dataset that a job made, the first time that it is asked for."""
    mark = f"seen-{job.id}"
    if job.state() != "done" or job.arguments[:2] != ["data", "import"] or st.session_state.get(mark):
        return None
    st.session_state[mark] = True
    return next(text.removeprefix("--name=") for text in job.arguments if text.startswith("--name="))
