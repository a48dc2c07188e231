"""Brings photos onto a page: the visitor's own, or those that come with the app."""

import streamlit as st

from har_ui import page, recognition
from har_ui.page import label_text
from har_ui.recognition import Photo


def one(key: str) -> Photo:
    """A photo that was dropped, or else an example, at first the first.

    Args:
        key: Begins the keys of the fields.
    """
    brought = st.file_uploader(
        "Drop a photo here", type=page.UPLOAD_TYPES, max_upload_size=page.upload_megabytes(), key=f"{key}-upload"
    )
    if brought:
        return Photo(brought.name, brought.getvalue())
    examples = recognition.examples()
    return _example(examples, examples[0].name, key) or examples[0]


def some(key: str) -> list[Photo]:
    """Photos that were dropped, or else an example, at first none; the argument is that of ``one``."""
    brought = st.file_uploader(
        "Drop photos",
        type=page.UPLOAD_TYPES,
        accept_multiple_files=True,
        max_upload_size=page.upload_megabytes(),
        key=f"{key}-uploads",
    )
    if brought:
        return [Photo(file.name, file.getvalue()) for file in brought]
    example = _example(recognition.examples(), None, key)
    return [example] if example else []


def _example(examples: list[Photo], default: str | None, key: str) -> Photo | None:
    of = {photo.name: photo for photo in examples}
    chosen = st.pills(
        "… or take one of ours",
        list(of),
        default=default,
        format_func=lambda name: label_text(name.partition(".")[0]),
        wrap=True,
        key=f"{key}-example",
    )
    return of[chosen] if chosen else None
