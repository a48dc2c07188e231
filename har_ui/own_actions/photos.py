"""Step 2: photos of each action, from files and from the camera; and how to be rid of them."""

import binascii
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from har_core import images
from har_core.datasets.collection import FEWEST_PHOTOS, Added, Collection, Photo, Record
from har_core.errors import HarError
from har_ui import next_run, paging
from har_ui.models.progress_bar import progress_bar
from har_ui.own_actions import camera, naming
from har_ui.page import ASSETS, UPLOAD_TYPES, plain, upload_megabytes

# The camera stays in sight while the cards beside it are scrolled; on a phone, they are below it.
_STYLE = """<style>@media (min-width: 641px) {
  .stColumn:has(> * .st-key-own-filming) { position: sticky; top: 4rem; align-self: flex-start; }
}</style>"""
_THUMBNAIL = 144
_SHOWN_SIDE = 56
_SHOWN = 6
_PAGE = 24
_TILE = 110
_CARD = 340
_NAMED = 5
_ROUND = "own-upload-round"
_FILMED = "own-filmed"


def show(current: Collection, record: Record) -> None:
    """Draws the step."""
    st.header("2 · Show photos of each")
    if not record.actions:
        st.caption("Name an action first.")
        return
    st.caption(
        f"At least {FEWEST_PHOTOS} of each action; better 40, with other clothes, places and distances. What differs "
        "between the photos of two actions is what will be learnt: take them in the same places."
    )
    filming, cards = st.columns([2, 3], gap="large")
    filming.html(_STYLE)
    with filming.container(key="own-filming"):
        _film(current, record)
    with cards, st.grid(min_column_width=_CARD, gap="small"):
        for place, action in enumerate(record.actions):
            with st.container(border=True, key=f"own-card-{place}"):
                _card(current, record, action)


def _film(current: Collection, record: Record) -> None:
    if st.session_state.get(_FILMED) not in record.actions:
        st.session_state[_FILMED] = next(iter(record.lacking()), record.actions[0])
    action = st.segmented_control(
        "Take photos of", record.actions, format_func=plain, required=True, wrap=True, key=_FILMED
    )
    camera.show(action or record.actions[0], lambda action, photos: _take(current, action, photos))


def _take(current: Collection, action: str, photos: Sequence[Any]) -> None:
    """Takes in a burst, as it came from the browser."""
    brought = [(f"photo {number}", _decoded(text)) for number, text in enumerate(photos, start=1)]
    try:
        added = current.add(action, brought, scene=current.new_scene())
    except HarError as error:
        next_run.complain(plain(str(error)))
    else:
        _tell(added, action)


def _decoded(text: object) -> bytes:
    """A photo's bytes; none where the browser sent something else."""
    try:
        return b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _card(current: Collection, record: Record, action: str) -> None:
    photos = record.of(action)
    st.markdown(f"**{plain(action)}** {_badge(len(photos))}")
    if photos:
        newest = photos[: -_SHOWN - 1 : -1]
        st.image(
            [thumbnail(str(current.path(photo)), photo.id) for photo in newest],
            width=_SHOWN_SIDE,
            alt=[f"{action}, photo {len(photos) - at}" for at in range(len(newest))],
        )
    _upload(current, action)
    with st.container(horizontal=True, gap="medium"):
        if photos and st.button(
            "Look through", icon=":material/photo_library:", type="tertiary", key=f"own-look-{action}"
        ):
            for photo in photos:
                st.session_state[_tick(photo)] = False
            _look_through(current, action)
        naming.change(current, record, action)


def _badge(count: int) -> str:
    if count < FEWEST_PHOTOS:
        return f":orange-badge[{count} of {FEWEST_PHOTOS} photos]"
    return f":green-badge[:material/check: {count} photos]"


def _upload(current: Collection, action: str) -> None:
    rounds: dict[str, int] = st.session_state.setdefault(_ROUND, {})
    files = st.file_uploader(
        f"Upload photos of {plain(action)}",
        type=UPLOAD_TYPES,
        accept_multiple_files=True,
        max_upload_size=upload_megabytes(),
        label_visibility="collapsed",
        key=f"own-upload-{current.name}-{action}-{rounds.get(action, 0)}",
    )
    if not files:
        return
    try:
        with progress_bar("Reading the photos …") as tell:
            _tell(current.add(action, [(file.name, file.getvalue()) for file in files], progress=tell), action)
    except HarError as error:
        next_run.complain(plain(str(error)))
    rounds[action] = rounds.get(action, 0) + 1  # An empty uploader for the next ones.
    st.rerun()


def _tell(added: Added, action: str) -> None:
    repeated = f" {added.repeated} you had already." if added.repeated else ""
    if added.refused:
        named = [f"**{plain(item.name)}**: {plain(item.message)}" for item in added.refused[:_NAMED]]
        more = len(added.refused) - _NAMED
        rest = [f"… and {more} more."] if more > 0 else []
        kept = f"{added.count} added to {plain(action)}.{repeated} Not these:"
        next_run.complain("  \n".join([kept, *named, *rest]))
    else:
        next_run.say(f"{added.count} added to {plain(action)}.{repeated}", ":material/add_photo_alternate:")


@st.dialog("Photos", width="large", on_dismiss="rerun")
def _look_through(current: Collection, action: str) -> None:
    photos = current.record().of(action)
    if not photos:
        st.caption("No photos are left.")
        return
    st.markdown(f"**{plain(action)}**: tick what is to go.")
    shown = paging.turned_to(len(photos), _PAGE, f"own-page-{current.name}-{action}")
    _tiles(current, photos[shown], shown.start + 1)
    # Also those on other pages.
    ticked = [photo for photo in photos if st.session_state.get(_tick(photo))]
    with st.container(horizontal=True):
        if st.button(f"Remove {len(ticked)} ticked", icon=":material/delete:", disabled=not ticked, type="primary"):
            _remove(current, ticked)
        with st.popover(f"Remove all {len(photos)}", icon=":material/delete_sweep:"):
            if st.button("Yes, remove them all", key="own-remove-all"):
                _remove(current, photos)


def _tiles(current: Collection, photos: Sequence[Photo], first: int) -> None:
    """Draws photos to be ticked, numbered from the first."""
    with st.grid(min_column_width=_TILE, gap="small"):
        for number, photo in enumerate(photos, start=first):
            with st.container(gap="xsmall"):
                st.image(thumbnail(str(current.path(photo)), photo.id), width="stretch", alt=f"Photo {number}")
                st.checkbox(f"Photo {number}", key=_tick(photo), persist_state="session")


def _tick(photo: Photo) -> str:
    return f"own-tick-{photo.id}"


def _remove(current: Collection, photos: Sequence[Photo]) -> None:
    try:
        current.remove(photo.id for photo in photos)
    except HarError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        st.rerun(scope="fragment")


@st.cache_data(max_entries=2000, show_spinner=False)
def thumbnail(path: str, identity: str) -> bytes:
    """A photo, small enough to send many of; the app's mark where it cannot be read any more."""
    del identity  # It is here to be part of the cache's key.
    try:
        return images.small_jpeg(images.read(Path(path)), _THUMBNAIL)
    except HarError:
        return (ASSETS / "mark.png").read_bytes()
