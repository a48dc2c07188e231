"""What buttons do: start, stop, resume and remove runs."""

from collections.abc import Callable

import streamlit as st

from har_core.errors import HarError
from har_ui import next_run
from har_ui.page import plain
from har_ui.training import words, worker
from training import queue, runs
from training.recipe import Recipe
from training.runs import Run

NEW, LIVE, RUNS = "New run", "Live", "Runs"

VIEW = "view"
"""The session's key of the section that is shown."""

_CHOSEN = "run"
_WATCHED = "watched-runs"


def start(recipe: Recipe, dataset: str) -> None:
    """Puts a new run into the queue and shows how it goes; to be followed by ``st.rerun``.

    No callback: a click on the heels of another field's change would find a callback with the recipe before it.
    """

    def submit() -> None:
        watch(queue.submit(recipe, dataset))
        worker.keep_alive()
        show(LIVE)

    _try(submit)


def resume(run: Run, finish: bool = False) -> None:
    """Puts a run into the queue again and shows how it goes.

    Args:
        run: One that is over, but not done.
        finish: Train no further, and make a model of the best so far.
    """

    def put() -> None:
        queue.resume(run, finish)
        watch(run)
        worker.keep_alive()
        show(LIVE)

    _try(put)


def stop(run: Run) -> None:
    """Asks a run to stop; one that waits is taken out of the queue."""
    _try(run.cancel)


def remove(run: Run) -> None:
    """Deletes a run; its model stays."""

    def delete() -> None:
        runs.remove(run)
        choose([name for name in chosen() if name != run.id])
        next_run.say(f"Removed {plain(words.short_name(run))}.", ":material/delete:")

    _try(delete)


def choose(run_ids: list[str]) -> None:
    """Has these runs shown on *Runs*; they are kept in the page's address."""
    if run_ids != chosen():
        st.query_params[_CHOSEN] = run_ids


def chosen() -> list[str]:
    """The runs that are to be shown on *Runs*."""
    return list(dict.fromkeys(st.query_params.get_all(_CHOSEN)))


def open_run(run: Run) -> None:
    """Shows a run on *Runs*."""
    choose([run.id])
    forget(run)
    show(RUNS)


def show(section: str) -> None:
    """Has the page go to a section when it is next drawn."""
    next_run.go(**{VIEW: section})


def watch(run: Run) -> None:
    """Has the visitor told how this run ends."""
    if run.id not in watched():
        st.session_state[_WATCHED] = [*watched(), run.id]


def watched() -> list[str]:
    """The runs that the visitor is to be told of, when they end."""
    return list(st.session_state.get(_WATCHED, []))


def forget(run: Run) -> None:
    """The visitor knows how this run ended."""
    st.session_state[_WATCHED] = [name for name in watched() if name != run.id]


def _try(action: Callable[[], None]) -> None:
    try:
        action()
    except HarError as error:
        next_run.complain(plain(str(error)))
    except OSError as error:
        next_run.complain(f"This did not work: {plain(str(error.strerror))}. Is there room on the disk of `HAR_HOME`?")
