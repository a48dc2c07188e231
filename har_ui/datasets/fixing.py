"""Buttons' callbacks that fix a dataset or take a fix back, and what is said of it."""

from collections.abc import Sequence

import streamlit as st

from har_core.datasets.store import Action, Dataset, Fix
from har_core.errors import HarError
from har_core.labels import label_text
from har_ui import next_run
from har_ui.datasets.query import short_name
from har_ui.page import plain


def fix(dataset: Dataset, action: Action, paths: Sequence[str], label: str | None = None) -> None:
    """Records a fix, or says why it cannot be."""
    try:
        done = dataset.apply(action, paths, label)
    except HarError as error:
        next_run.complain(plain(str(error)))
    else:
        _say(f"{describe(done)}.", ":material/check:")


def undo(dataset: Dataset, fix_id: int) -> None:
    """Takes a fix back, or says why it cannot be."""
    try:
        undone = dataset.undo(fix_id)
    except HarError as error:
        next_run.complain(plain(str(error)))
    else:
        _say(f"undone: {describe(undone)}." if undone else "it was taken back already.", ":material/undo:")


def show_undo(dataset: Dataset, fixes: Sequence[Fix]) -> None:
    """Draws the newest fix with a button that takes it back; nothing where there is none.

    Args:
        dataset: The dataset.
        fixes: In force, oldest first.
    """
    if not fixes:
        return
    newest = fixes[-1]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Undo the last fix", icon=":material/undo:", on_click=undo, args=(dataset, newest.id))
        st.caption(f"{len(fixes):,} in force; the last {describe(newest)}.", width="content")


def describe(done: Fix) -> str:
    """A fix in words, as Markdown."""
    first, *others = done.paths
    photos = plain(short_name(first)) + (f" and {len(others)} more" if others else "")
    return {
        "exclude": f"excluded {photos}",
        "relabel": f"relabelled {photos} to “{plain(label_text(done.label or ''))}”",
        "same_group": f"put {photos} into one group",
        "keep": f"kept {photos} as it is",
    }[done.action]


def _say(text: str, icon: str) -> None:
    next_run.say(text[0].upper() + text[1:], icon)
