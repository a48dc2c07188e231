"""A bar for long work of the page itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from har_core.progress import Progress
from har_ui.page import plain


@contextmanager
def progress_bar(text: str) -> Iterator[Progress]:
    """Draws a bar that is gone when the work is done; gives what is to be called with each step.

    Args:
        text: Is shown before the first step.
    """
    bar = st.progress(0.0, text)

    def tell(done: int, total: int, what: str) -> None:
        said = plain(what[:1].upper() + what[1:])
        bar.progress(min(1.0, done / total) if total else 0.0, f"{said}: {done:,} of {total:,}" if total > 1 else said)

    try:
        yield tell
    finally:
        bar.empty()
