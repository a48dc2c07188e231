"""Which model of one's own is worked on: a new one, or one that was begun; and how to be rid of it."""

from collections import Counter
from contextlib import suppress

import streamlit as st

from har_core.datasets import collection
from har_core.datasets.collection import LONGEST_NAME, Collection
from har_core.errors import CollectionNotFound, HarError
from har_ui import next_run
from har_ui.own_actions import state, teaching
from har_ui.page import plain

_FIELD = "own-model"
_TITLE = "own-title"
_NEW = "A new one …"

WHAT_IS_KEPT = (
    f"Your photos are kept on the machine that runs this app, at most {collection.PHOTO_SIDE} px and without metadata, "
    "until you delete them. Whoever can open this app can see them."
)


def show() -> Collection | None:
    """Draws the choice; gives the collection to work on, None where a new one is still to be named."""
    current = state.chosen()
    titles = _titles()
    if titles:
        st.session_state[_FIELD] = current.name if current else ""
        with st.container(horizontal=True, vertical_alignment="bottom", key="own-choice"):
            st.selectbox(
                "Your model",
                ["", *titles],
                format_func=lambda name: titles[name] if name else _NEW,
                key=_FIELD,
                on_change=lambda: state.choose(st.session_state[_FIELD]),
                width=360,
            )
            if current:
                _delete(current)
    if current is None:
        _begin()
        return None
    state.choose(current.name)
    return current


def _titles() -> dict[str, str]:
    """Name → title, with the name where the browser could not tell two apart: it sends back what it shows.

    One that is damaged, or just being deleted, does not cost the others.
    """
    titles = {}
    for name in collection.names():
        with suppress(CollectionNotFound):
            titles[name] = collection.load(name).record().title
    often = Counter([*titles.values(), _NEW])
    # One that ends in a bracket itself could be taken for another one with its name.
    return {
        name: f"{title} ({name})" if often[title] > 1 or title.endswith(")") else title
        for name, title in titles.items()
    }


def _begin() -> None:
    st.markdown(
        "Teach the app actions of your own: name them, show it some photos of each, and a few minutes later it "
        "recognises them. Everything is on this page; nothing has to be installed or programmed."
    )
    with st.form("own-begin", width=560):
        title = st.text_input(
            "What shall your model be called?", placeholder="My gestures", max_chars=LONGEST_NAME, key=_TITLE
        )
        asked = st.form_submit_button("Begin", type="primary", icon=":material/school:")
    st.caption(WHAT_IS_KEPT)
    if asked:
        try:
            state.choose(collection.create(title).name)
        except HarError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            st.rerun()


def _delete(current: Collection) -> None:
    with st.popover("Start again or delete", icon=":material/delete:"):
        st.markdown(
            "**Start again** deletes all photos, and keeps the names of the actions.  \n"
            "**Delete** deletes the actions, too. Models that were made of them stay on the page Models."
        )
        is_meant = st.checkbox("Yes, delete the photos for good", key=f"own-meant-{current.name}")
        with st.container(horizontal=True):
            st.button(
                "Start again", icon=":material/restart_alt:", disabled=not is_meant, on_click=_empty, args=(current,)
            )
            st.button(
                "Delete",
                icon=":material/delete_forever:",
                type="primary",
                disabled=not is_meant,
                on_click=_remove,
                args=(current,),
            )


def _empty(current: Collection) -> None:
    try:
        teaching.stop(current)
        current.clear()
        st.session_state[f"own-meant-{current.name}"] = False
        next_run.say("All photos are deleted.", ":material/delete:")
    except HarError as error:
        next_run.complain(plain(str(error)))


def _remove(current: Collection) -> None:
    try:
        teaching.stop(current)
        title = current.record().title
        current.delete()
        state.choose("")
        next_run.say(f"{plain(title)} is deleted.", ":material/delete:")
    except HarError as error:
        next_run.complain(plain(str(error)))
