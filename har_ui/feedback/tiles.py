"""Photos with what the model and a person said of them, and what a reviewer can do with each."""

from collections.abc import Sequence

import streamlit as st

from har_core import feedback, images, serving
from har_core.errors import HarError
from har_core.feedback import Entry
from har_core.labels import label_text
from har_ui import paging, recognition
from har_ui.feedback import actions
from har_ui.page import plain

_PER_PAGE = 12
_WIDTH = 290
# Photos of any shape in boxes of one: nothing of the person is cut off, and the rows stay in line.
_STYLE = """<style>
[class*="st-key-said-"] img { aspect-ratio: 4 / 3; object-fit: contain; width: 100%; border-radius: 0.5rem;
    background: rgba(148, 163, 184, 0.15); }
[class*="st-key-said-"] [data-testid="stElementToolbar"] { display: none; }
</style>"""


def show(entries: Sequence[Entry]) -> None:
    """Draws entries, page by page.

    Args:
        entries: All of one status, in order.
    """
    st.html(_STYLE)
    status = entries[0].status
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        shown = entries[paging.turned_to(len(entries), _PER_PAGE, f"page-{status}")]
        if status == "new" and len(shown) > 1:
            st.button(
                f"Accept these {len(shown)}",
                icon=":material/done_all:",
                help="With the labels that people gave them.",
                key="accept-page",
                on_click=actions.accept,
                args=([entry.photo for entry in shown],),
            )
    labels = _labels(entries)
    with st.grid(min_column_width=_WIDTH, gap="small", key="said"):
        for entry in shown:
            with st.container(border=True, key=f"said-{entry.photo}", gap="xsmall"):
                _tile(entry, labels)


def _tile(entry: Entry, labels: Sequence[str]) -> None:
    picture = _picture(entry)
    if picture:
        st.image(picture, width="stretch", alt=label_text(entry.right_label))
    else:
        st.caption(":material/broken_image: The photo cannot be read any more.")
    st.markdown(_word(entry))
    said = f"{plain(label_text(entry.predicted))}, {entry.confidence:.0%}, {entry.decision}"
    st.progress(entry.confidence, f":gray[:material/smart_toy:] {said}")
    st.caption(f"{plain(entry.model)} · {plain(entry.source)} · {entry.time[:16].replace('T', ' ')}")
    with st.container(horizontal=True, gap="xsmall"):
        if entry.status == "new":
            st.button(
                "Accept",
                icon=":material/check:",
                type="primary",
                key=f"accept-{entry.photo}",
                on_click=actions.accept,
                args=([entry.photo],),
            )
        _correct(entry, labels)
        st.button(
            "Discard",
            type="tertiary",
            help="Deletes the photo.",
            key=f"discard-{entry.photo}",
            on_click=actions.discard,
            args=(entry.photo,),
        )


def _correct(entry: Entry, labels: Sequence[str]) -> None:
    field = f"right-{entry.photo}"
    with st.popover("Correct", icon=":material/edit:"):
        chosen = st.selectbox(
            "What is the person doing?",
            [label for label in labels if label != entry.right_label],
            index=None,
            format_func=label_text,
            accept_new_options=True,
            placeholder="Choose, or type another action",
            key=field,
        )
        st.button(
            "Accept as this",
            type="primary",
            icon=":material/check:",
            disabled=not chosen,
            key=f"correct-{entry.photo}",
            on_click=actions.correct,
            args=(entry.photo, field),
        )


def _word(entry: Entry) -> str:
    """The label that counts, and whose it is."""
    label = f"**{plain(label_text(entry.right_label))}**"
    if entry.right_label != entry.label:
        return f":blue[:material/edit:] {label}, :gray[corrected from {plain(label_text(entry.label))}]"
    thumb = ":green[:material/thumb_up:]" if entry.verdict == "right" else ":orange[:material/thumb_down:]"
    return f"{thumb} {label}"


def _picture(entry: Entry) -> bytes | None:
    try:
        return recognition.thumbnail(images.read(feedback.photo_path(entry.photo)))
    except HarError:
        return None


def _labels(entries: Sequence[Entry]) -> list[str]:
    """Those of the model in service, and those that people gave."""
    given = {entry.right_label for entry in entries} | {entry.label for entry in entries}
    try:
        return sorted(given | set(serving.find().info.labels))
    except HarError:
        return sorted(given)
