"""Step 3: training, which goes on whatever becomes of the page."""

from collections.abc import Sequence

import streamlit as st

from har_core.datasets.collection import Collection, Record
from har_core.errors import HarError
from har_ui import next_run
from har_ui.page import plain
from har_ui.training import records, worker
from har_ui.training.records import View
from training import estimate, queue, recipe, runs
from training.recipe import Recipe
from training.runs import Progress, Run

_STARTING = "Putting the photos in order …"
_TRAIN = "own-train"
_MEANWHILE = "It takes about a minute. You can leave this page meanwhile, and come back."

# What a run says of itself → plain words; in the order in which it comes.
_STAGES = {
    "starting": "Getting ready",
    "embedding photos": "Looking at the photos",
    "fitting the head": "Learning the actions",
    "converting": "Making it small and fast",
    "evaluating": "Testing it on photos that it has not learnt from",
    "keeping the result": "Keeping it",
}


def show(current: Collection) -> None:
    """Draws the step."""
    st.header("3 · Train")
    record = _settled(current)
    view = _last(record)
    if view and not view.is_over:
        st.caption(_MEANWHILE)
        _follow(current.name, view.run.id)
        return
    if view and view.state != "done":
        _say_why(view)
    problem = _lack(record)
    is_new = view is None or view.state != "done"
    has_changed = record.taught != record.content()
    if problem:
        st.caption(problem)
    elif is_new:
        st.caption(_MEANWHILE)
    elif has_changed:
        st.caption("You have changed actions or photos since. Train again to have it learn that.")
    is_pressed = bool(st.session_state.get(_TRAIN)) and not problem
    text = "Train" if is_new else "Train again"
    # The button itself says what goes on: what is below it keeps its place.
    st.button(
        _STARTING if is_pressed else text,
        icon=":material/model_training:",
        type="primary" if is_new or has_changed else "secondary",
        disabled=is_pressed or bool(problem),
        key=_TRAIN,
    )
    if is_pressed:
        _start(current)


def stop(current: Collection) -> None:
    """Ends the training of a collection, where one is under way."""
    view = _last(current.record())
    if view and not view.is_over:
        view.run.cancel()


def plan() -> Recipe:
    """How a collection is trained: that there are enough photos of each action was seen to before."""
    return recipe.load("quick", ["min_photos=3"])


def _settled(current: Collection) -> Record:
    """What it holds once nobody is starting a training on it: another tab, or this one before it was loaded anew."""
    if current.is_starting():
        with st.spinner(_STARTING), current.starting():
            pass
    return current.record()


def _last(record: Record) -> View | None:
    return records.find(record.run) if record.run else None


def _lack(record: Record) -> str:
    """What is still missing, in words."""
    if len(record.actions) < 2:
        return "Name at least two actions first."
    parts = [f"{count} more of {plain(action)}" for action, count in record.lacking().items()]
    return f"Photos still needed: {', '.join(parts)}." if parts else ""


def _start(current: Collection) -> None:
    """Nothing is drawn between its beginning and its end: who leaves the page would interrupt it there."""
    problems: list[str] = []
    try:
        with current.starting():
            record = current.record()
            view = _last(record)
            if view is None or view.is_over:  # Else it was begun in another tab.
                dataset = current.to_dataset()
                problems += estimate.estimate(plan(), dataset).problems
                if not problems:
                    current.keep_run(queue.submit(plan(), dataset.name).id, record.content())
                    worker.keep_alive()
    except HarError as error:
        problems.append(str(error))
    if problems:
        next_run.complain(plain(" ".join(problems)))
    st.rerun()


@st.fragment(run_every=1)
def _follow(name: str, run_id: str) -> None:
    """Looks once a second; when the training is over, the page is drawn anew.

    Args:
        name: Of the collection.
        run_id: Of the run that was under way when the page was drawn.
    """
    view = records.find(run_id)
    if view is None or view.is_over:
        st.rerun()
    text, button = st.columns([5, 1], vertical_alignment="center")
    with text:
        problem = _problem(view)
        if problem:
            st.warning(problem, icon=":material/power_off:")
        else:
            share, said = _how_far(view.run, view.state == "queued")
            st.progress(share, said)
    is_stopping = view.run.is_cancelled()
    button.button(
        "Stopping …" if is_stopping else "Stop",
        icon=":material/stop_circle:",
        disabled=is_stopping,
        width="stretch",
        key=f"own-stop-{name}",
        on_click=view.run.cancel,
    )


def _problem(view: View) -> str:
    """What keeps a run that waits from being run."""
    if view.state != "queued":
        return ""
    try:
        return worker.keep_alive()
    except HarError as error:
        return plain(str(error))


def _how_far(run: Run, waits: bool) -> tuple[float, str]:
    """Share 0–1, and words."""
    if waits:
        before = _before(run)
        return (
            0.0,
            f"Waiting: {before} other training{'s' * (before != 1)} come first …" if before else "Getting ready …",
        )
    return stage(run.progress())


def stage(now: Progress | None) -> tuple[float, str]:
    """How far a quick training is, in plain words.

    Args:
        now: What the run says of itself.

    Returns:
        Share 0–1, and words.
    """
    what = now.what if now else "starting"
    place = next((at for at, name in enumerate(_STAGES) if what.startswith(name)), 0)
    part = now.done / now.total if now and now.total else 0.0
    said = list(_STAGES.values())[place]
    count = f": {now.done:,} of {now.total:,}" if now and now.total > 1 and place == 1 else " …"
    return min(1.0, (place + part) / len(_STAGES)), said + count


def _before(run: Run) -> int:
    """How many wait before it, or are under way."""
    try:
        waiting: Sequence[str] = queue.waiting()
    except HarError:
        return 0
    place = waiting.index(run.id) if run.id in waiting else 0
    return place + len(records.running())


def _say_why(view: View) -> None:
    message = plain(view.outcome.message) if view.outcome else ""
    if view.state == "cancelled":
        st.info(
            "Training was stopped. Your photos are all there: train again whenever you like.",
            icon=":material/stop_circle:",
        )
    elif view.state == "interrupted":
        st.warning(
            "Training was interrupted: the machine went down, perhaps. Train again.", icon=":material/power_off:"
        )
    elif view.outcome and view.outcome.message.startswith(runs.BROKE_OFF):
        # What the run advises there is for the page Training, where more can be set.
        st.error(
            "Training broke off; the machine may have run out of memory. Train again; with fewer photos if it happens "
            "once more.",
            icon=":material/error:",
        )
    else:
        log = "" if message else " The log is on the page Training, under Runs."
        st.error(f"Training failed. {message or 'It said nothing more.'}{log}", icon=":material/error:")
