"""Photos as square tiles; a click anywhere on a tile chooses its photo."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import streamlit as st

from har_core.datasets import cache
from har_core.errors import HarError
from har_core.labels import label_text
from har_ui import clickable
from har_ui.datasets import query
from har_ui.page import plain

_CHOSEN = "chosen-photo"
_SIDE = 120
_STYLE = """
[class*="st-key-tile-excluded"] img { opacity: 0.35; }
.st-key-photo-large img { max-height: 70vh; object-fit: contain; object-position: left; }
"""


def style() -> None:
    """Makes tiles look and behave as such; once for a page."""
    clickable.style(_STYLE)


def show(photos: pd.DataFrame, key: str, texts: Sequence[str] | None = None) -> None:
    """Draws photos as a grid of tiles.

    Args:
        photos: Rows of ``View.photos``; few.
        key: Tells these tiles from others on the page.
        texts: What stands below each, as Markdown; its label when absent.
    """
    if texts is None:
        texts = [_label(photo) for _, photo in photos.iterrows()]
    with st.grid(min_column_width=_SIDE, gap="small", key=key):
        for (_, photo), picture, text in zip(photos.iterrows(), thumbnails(photos), texts, strict=True):
            tile(photo, picture, key, text)


def row(photos: pd.DataFrame, key: str) -> None:
    """Draws photos side by side, without a grid around them.

    Args:
        photos: Rows of ``View.photos``; few.
        key: Tells these tiles from others on the page.
    """
    with st.container(horizontal=True, gap="small", width="content"):
        for (_, photo), picture in zip(photos.iterrows(), thumbnails(photos), strict=True):
            with st.container(width=_SIDE):
                tile(photo, picture, key, _label(photo))


def _label(photo: pd.Series) -> str:
    return "no label" if pd.isna(photo["label"]) else plain(label_text(photo["label"]))


def tile(photo: pd.Series, picture: bytes | None, key: str, text: str) -> None:
    """Draws one photo as a tile.

    Args:
        photo: A row of ``View.photos``.
        picture: What is shown; None where the file cannot be read any more.
        key: Tells this tile from others of the same photo.
        text: What stands below it, as Markdown.
    """
    name = query.short_name(photo["path"])
    kind = "excluded" if photo["excluded"] else "photo"
    with st.container(key=f"tile-{kind}-{key}-{photo.name}"):
        if picture is None:
            st.caption(f":material/broken_image: {plain(name)} cannot be read any more.")
        else:
            st.image(picture, width="stretch", alt=name)
        st.button(
            text,
            key=f"open-{key}-{photo.name}",
            type="tertiary",
            width="stretch",
            wrap=False,
            on_click=choose,
            args=(photo["path"],),
        )


def thumbnails(photos: pd.DataFrame) -> list[bytes | None]:
    """Each photo as a small JPEG; None where its file cannot be read any more."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(thumbnail, photos["path"], photos["id"]))


def thumbnail(path: str, identity: str) -> bytes | None:
    """A photo as a small JPEG; None where its file cannot be read any more."""
    try:
        return cache.thumbnail(path, identity)
    except HarError:
        return None


def choose(path: str) -> None:
    """Has the photo's details shown, until ``put_away``."""
    st.session_state[_CHOSEN] = path


def chosen() -> str | None:
    """The path of the photo that is chosen."""
    return st.session_state.get(_CHOSEN)


def put_away() -> None:
    """No photo is chosen any more."""
    st.session_state.pop(_CHOSEN, None)
