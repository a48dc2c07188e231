"""Brings photos onto a page: the visitor's own, or those that come with the app."""

from collections.abc import Callable, Sequence
from functools import cache

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from har_core.images import FORMATS_FOR_PEOPLE
from har_core.labels import label_text
from har_ui import clickable, page, recognition
from har_ui.feedback import word
from har_ui.recognition import Photo

_TILE = 92
_SMALL = 240
# On a phone, one row that is pushed aside, so that the answer is in sight.
_STYLE = f"""
[class*="st-key-tile-example-"] img {{ aspect-ratio: 3 / 2; }}
/* A tick, which is taller than the text, makes none the taller. */
[class*="st-key-tile-example-"] .stButton {{ height: 1.6rem; }}
@media (max-width: 640px) {{
  [class*="st-key-examples-"] {{ display: flex; flex-wrap: nowrap; overflow-x: auto; }}
  [class*="st-key-examples-"] > * {{ flex: 0 0 {_TILE}px; }}
}}
"""


def one(key: str, more: Callable[[], object] = lambda: None) -> Photo:
    """A photo that was brought, or else an example, at first the first; what came last counts.

    Args:
        key: Begins the keys of the fields.
        more: Draws other ways to bring one, below the uploader.
    """
    ours, brought = _fields(key, "Pick a photo", False, [recognition.examples()[0].name], more)
    return brought[0] if brought else ours[0]


def some(key: str) -> list[Photo]:
    """Photos that were brought, or else examples, at first none; what came last counts.

    Args:
        key: Begins the keys of the fields.
    """
    ours, brought = _fields(key, "No photo at hand? Pick some of ours", True, [], lambda: None)
    return brought or ours


def _fields(
    key: str, invitation: str, many: bool, first: Sequence[str], more: Callable[[], object]
) -> tuple[list[Photo], list[Photo]]:
    """Draws examples and uploader side by side; gives the examples that are picked, and what was brought."""
    picked: list[str] = st.session_state.setdefault(f"{key}-examples", list(first))
    left, right = st.columns([3, 2], gap="medium")
    with right:
        brought = _uploader(key, many)
        more()
    with left:
        shown = [] if brought else picked
        clickable.style(_STYLE + "".join(clickable.framed(_tile(key, name)) for name in shown))
        st.markdown(invitation)
        with st.grid(min_column_width=_TILE, gap="small", key=f"examples-{key}"):
            for photo in recognition.examples():
                _example(photo, key, shown, many)
    return [photo for photo in recognition.examples() if photo.name in picked], brought


def _uploader(key: str, many: bool) -> list[Photo]:
    """The uploader is a new one, and so an empty one, after an example was picked."""
    found: UploadedFile | list[UploadedFile] | None = st.file_uploader(
        "Bring your own: one photo, or many" if many else "Bring a photo of your own",
        type=page.UPLOAD_TYPES,
        accept_multiple_files=many,
        max_upload_size=page.upload_megabytes(),
        help=f"{FORMATS_FOR_PEOPLE}. {word.what_is_kept()}",
        key=f"{key}-upload-{st.session_state.setdefault(f'{key}-uploaders', 0)}",
    )
    files = found if isinstance(found, list) else [found] if found else []
    return [Photo(file.name, file.getvalue()) for file in files]


def _example(photo: Photo, key: str, shown: Sequence[str], many: bool) -> None:
    is_picked = photo.name in shown
    name = label_text(photo.name.partition(".")[0])
    with st.container(key=_tile(key, photo.name)):
        st.image(_small(photo), width="stretch", alt=f"Example: {name}")
        st.button(
            name,
            icon=":material/check:" if is_picked else None,
            type="tertiary",
            width="stretch",
            wrap=False,
            key=f"{key}-pick-{photo.name}",
            on_click=_pick,
            args=(key, _after_pick(photo.name, shown) if many else [photo.name]),
        )


def _after_pick(name: str, shown: Sequence[str]) -> list[str]:
    """An example comes to the others, or goes."""
    return [other for other in shown if other != name] if name in shown else [*shown, name]


def _pick(key: str, names: list[str]) -> None:
    """Takes examples instead of what was brought."""
    st.session_state[f"{key}-examples"] = names
    st.session_state[f"{key}-uploaders"] += 1


def _tile(key: str, name: str) -> str:
    return f"tile-example-{key}-{name.partition('.')[0]}"


@cache
def _small(photo: Photo) -> bytes:
    return recognition.thumbnail(photo.payload, _SMALL)
