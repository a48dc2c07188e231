"""What people said of answers: review it, add it to a dataset, train on that."""

from collections import Counter

import pandas as pd
import streamlit as st

from har_core import feedback
from har_core.errors import HarError
from har_core.feedback import Entry
from har_core.labels import label_text
from har_ui import menu, next_run, page, sections, terms
from har_ui.datasets import job_panel
from har_ui.feedback import actions, adding, learning, tiles

_TITLES = {"new": "To review", "accepted": "Accepted", "added": "Added", "discarded": "Discarded"}
_NOTHING = {
    "new": "Nothing waits for review.",
    "accepted": "Nothing is accepted yet. What you accept under *To review* can be added to a dataset here.",
    "added": "No dataset has any of it yet. Add what is accepted to one, then train on it here.",
    "discarded": "Nothing was discarded.",
}


def show_new(entries: list[Entry]) -> None:
    """Those that wait, the most uncertain answers first."""
    st.caption(
        "What a person said :material/thumb_up: :material/thumb_down: of the model's answer :material/smart_toy:. "
        "Where the model was least sure comes first: there it has most to learn."
    )
    tiles.show(sorted(entries, key=lambda entry: -entry.uncertainty))


def show_accepted(entries: list[Entry]) -> None:
    """Those that can be added to a dataset."""
    adding.show(len(entries))
    tiles.show(entries[::-1])


def show_added(entries: list[Entry]) -> None:
    """Those that a dataset has, and what can be learnt from them."""
    adding.outcome(job_panel.followed())
    learning.show(entries)
    _table(entries)


def show_discarded(entries: list[Entry]) -> None:
    """Those whose photos are gone."""
    st.caption("Their photos are deleted.")
    _table(entries)


def show_empty() -> None:
    """Where feedback comes from."""
    st.info(
        "Nobody has said anything of an answer yet. Below each answer on *Home* and *Photos* one can say that it is "
        "right, or what would be; programs say it over the API (`POST /api/v1/feedback`). It is reviewed here, and "
        "becomes training data once it is accepted.",
        icon=":material/reviews:",
    )
    st.page_link("pages/photos.py", label="Try some photos", icon=":material/photo_library:")


def _table(entries: list[Entry]) -> None:
    rows = [
        {
            "label": label_text(entry.right_label),
            "predicted": label_text(entry.predicted),
            "confidence": 100 * entry.confidence,
            "dataset": entry.dataset,
            "model": entry.model,
            "source": entry.source,
            "reviewed": entry.reviewed,
        }
        for entry in reversed(entries)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=_COLUMNS, alt="Photos, the newest first")


_COLUMNS = {
    "label": st.column_config.TextColumn("Right label"),
    "predicted": st.column_config.TextColumn("The model said"),
    "confidence": st.column_config.ProgressColumn(
        "Probability", min_value=0, max_value=100, format="%.0f %%", help=terms.PROBABILITY
    ),
    "dataset": st.column_config.TextColumn("Dataset"),
    "model": st.column_config.TextColumn("Model"),
    "source": st.column_config.TextColumn("Said in"),
    "reviewed": st.column_config.DatetimeColumn("Reviewed", format="YYYY-MM-DD HH:mm"),
}
_SECTIONS = {"new": show_new, "accepted": show_accepted, "added": show_added, "discarded": show_discarded}


def show_all(entries: list[Entry]) -> None:
    """Draws the entries of one status."""
    counts = Counter[str](entry.status for entry in entries)
    chosen = sections.choose(
        list(_TITLES), actions.STATUS, text=lambda status: f"{_TITLES[status]} ({counts[status]:,})"
    )
    of_that = [entry for entry in entries if entry.status == chosen]
    if of_that:
        _SECTIONS[chosen](of_that)
    else:
        st.info(_NOTHING[chosen], icon=":material/inbox:")


menu.begin("Feedback")
st.title("Feedback")
if not feedback.is_on():
    st.info(
        "Feedback is switched off (`HAR_FEEDBACK=false`): nobody is asked, and nothing is kept.",
        icon=":material/block:",
    )
job_panel.show()
adding.follow(job_panel.followed())
next_run.begin()
try:
    everything = feedback.entries()
    if everything:
        show_all(everything)
    else:
        show_empty()
except HarError as error:
    st.error(page.plain(str(error)), icon=":material/error:")
