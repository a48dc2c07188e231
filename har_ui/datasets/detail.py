"""One photo in a dialog: large, with all that is known of it, what can be done about it, and photos like it."""

from pathlib import Path

import pandas as pd
import streamlit as st

from har_core import images
from har_core.datasets import cache, likeness
from har_core.datasets.store import Dataset
from har_core.errors import HarError
from har_core.labels import label_text
from har_ui import next_run, recognition
from har_ui.datasets import fixing, tiles
from har_ui.datasets.view import FLAGS, View, view_of
from har_ui.page import plain

_ALIKE = 8
_LONG = 24


def show_chosen(view: View) -> None:
    """Keeps the dialog open as long as a photo is chosen."""
    if tiles.chosen():
        _dialog(view.dataset)


@st.dialog("Photo", width="large", on_dismiss=tiles.put_away)
def _dialog(dataset: Dataset) -> None:
    next_run.tell()
    view = view_of(dataset)
    found = view.of([tiles.chosen() or ""])
    if found.empty:
        st.info("This photo is not in the dataset.")
        return
    photo = found.iloc[0]
    left, right = st.columns(2, gap="medium")
    with left:
        _picture(photo)
    with right:
        facts(photo)
        decide(view, photo)
    _alike(view, photo)


def _picture(photo: pd.Series) -> None:
    try:
        with st.container(key="photo-large"):
            st.image(large(photo["path"], photo["id"]), width="stretch", alt=photo["path"])
    except HarError as error:
        st.warning(plain(str(error)), icon=":material/broken_image:")
    st.caption(plain(photo["path"]))


def facts(photo: pd.Series) -> None:
    """Draws a photo's label and what else is known of it."""
    label = "no label" if pd.isna(photo["label"]) else label_text(photo["label"])
    st.header(f"{plain(label)}")
    badges = [f":orange-badge[{flag.icon} {flag.title}]" for flag in FLAGS if photo[flag.column]]
    if badges:
        st.markdown(" ".join(badges), help="\n".join(f"- {flag.meaning}" for flag in FLAGS if photo[flag.column]))
    known = {
        "split": "none" if pd.isna(photo["split"]) else photo["split"],
        "size": f"{photo['width']} × {photo['height']} px",
        "source": photo["source"],
        "group": photo["group"] if len(photo["group"]) <= _LONG else f"{photo['group'][:12]}…",
        "brightness": f"{photo['brightness']:.0f}",
        "contrast": f"{photo['contrast']:.0f}",
        "sharpness": f"{photo['sharpness']:.0f}",
        "SHA-256": f"{photo['id'][:12]}…",
    }
    st.markdown(" · ".join(f":gray[{name}] {plain(text)}" for name, text in known.items()))


def decide(view: View, photo: pd.Series, wished: str | None = None) -> None:
    """What a visitor may decide about the photo.

    Args:
        view: Of its dataset.
        photo: A row of ``View.photos``.
        wished: The label that is proposed; when absent, that of the last check where it thinks that the label is wrong.
    """
    dataset, path = view.dataset, photo["path"]
    now = None if pd.isna(photo["label"]) else photo["label"]
    if photo["label_issue"]:
        st.markdown(f"The check would call it **{plain(label_text(photo['suggested']))}**.")
    wished = wished or (photo["suggested"] if photo["label_issue"] else now)
    labels = sorted({*view.labels, *([wished] if wished else [])})
    new = st.selectbox(
        "Right label",
        labels,
        index=labels.index(wished) if wished in labels else None,
        format_func=label_text,
        accept_new_options=True,
        placeholder="Choose, or type a new one",
        key=f"label-{path}",
    )
    with st.container(horizontal=True):
        st.button(
            "Relabel",
            icon=":material/label:",
            type="primary",
            disabled=new is None or new == now,
            on_click=fixing.fix,
            args=(dataset, "relabel", [path], new),
        )
        st.button(
            "Label is right",
            icon=":material/check:",
            disabled=now is None or bool(photo["kept"]),
            help="The check will not ask again.",
            on_click=fixing.fix,
            args=(dataset, "keep", [path]),
        )
        st.button(
            "Exclude",
            icon=":material/block:",
            disabled=bool(photo["excluded"]),
            help="Leave it out of training and of all figures. The file stays.",
            on_click=fixing.fix,
            args=(dataset, "exclude", [path]),
        )
    for done in reversed(view.fixes):
        if path in done.paths:
            text, button = st.columns([3, 1], vertical_alignment="center")
            text.caption(f"{done.time[:16].replace('T', ' ')} UTC: {fixing.describe(done)}")
            button.button(
                "Undo", key=f"undo-{done.id}", icon=":material/undo:", on_click=fixing.undo, args=(dataset, done.id)
            )


def _alike(view: View, photo: pd.Series) -> None:
    st.subheader("More like this")
    try:
        rows = _similar(view.dataset.info.images_fingerprint, view.rows[photo["path"]], view.dataset)
    except _NotEmbedded:
        st.caption("Known after the first check: see *Review*.")
    else:
        tiles.show(view.photos.iloc[rows], key="alike")


class _NotEmbedded(Exception):
    """What the photos look like has not been worked out; not worth remembering, unlike an answer."""


@st.cache_data(max_entries=1000, show_spinner=False)
def _similar(images_fingerprint: str, row: int, _dataset: Dataset) -> list[int]:
    del images_fingerprint  # It is here to be part of the cache's key.
    embeddings = cache.cached_embeddings(_dataset)
    if embeddings is None:
        raise _NotEmbedded
    return [int(found) for found in likeness.similar(embeddings, row, _ALIKE)]


@st.cache_data(max_entries=64, show_spinner=False)
def large(path: str, identity: str) -> bytes:
    """A photo as JPEG, large enough to look at closely.

    Args:
        path: The photo.
        identity: SHA-256 of its bytes, as in the manifest.

    Raises:
        ImageError: It cannot be read any more.
    """
    del identity  # It is here to be part of the cache's key.
    return recognition.thumbnail(images.read(Path(path)))
