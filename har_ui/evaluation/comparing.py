"""Compare: a second model on the same photos."""

import pandas as pd
import streamlit as st

from har_core.evaluation import charts, comparison
from har_core.evaluation.comparison import Comparison
from har_core.labels import label_text
from har_ui import paging
from har_ui.datasets import tiles
from har_ui.evaluation import asking, choosing, tables, words
from har_ui.evaluation.view import Choice, View, view_of
from har_ui.page import plain

_PER_PAGE = 12
_CHANCE = 0.05
_HELD = 4
_STILL = {"displayModeBar": False}


def show(view: View) -> None:
    """Draws the section."""
    known = choosing.models()
    others = [name for name in known if name != view.choice.model]
    if not others:
        st.info("There is no other model to compare this one with. Train one first.", icon=":material/compare_arrows:")
        st.page_link("pages/training.py", label="Train a model", icon=":material/model_training:")
        return
    other = st.selectbox(
        f"Compare {plain(view.choice.model)} with", others, key="against", bind="query-params", width=320
    )
    second = Choice(known[other], view.choice.dataset, view.choice.split)
    answered = view_of(second)
    if answered is None:
        asking.show(second)
        return
    found = _compared(
        view.choice.bundle.digest, known[other].digest, view.judged.fingerprint, view.choice.part, view, answered
    )
    _verdict(found)
    st.dataframe(tables.comparison(found), height="content", alt="Figures of both models")
    st.header(f"What changes with {plain(found.model_b)}")
    figure = charts.differences(found.difference)
    st.plotly_chart(figure, config=_STILL, key="differences", alt="Differences with intervals")
    st.caption(
        f"{plain(found.model_b)} minus {plain(found.model_a)}, with 95 % intervals of a paired bootstrap: both answer "
        "the same photos. Coloured: the interval does not reach over 0. For the calibration error and the log loss, "
        "less is better."
    )
    gained, lost = st.columns(2, gap="large")
    with gained:
        _photos(f"Only {plain(found.model_b)} is right", found.gained, "gained")
    with lost:
        _photos(f"Only {plain(found.model_a)} is right", found.lost, "lost")


@st.cache_data(max_entries=_HELD, show_spinner="Comparing …")
def _compared(first: str, second: str, fingerprint: str, part: str, _first: View, _second: View) -> Comparison:
    del first, second, fingerprint, part  # They are here to be the cache's key.
    return comparison.compare(_first.judged, _second.judged)


def _verdict(found: Comparison) -> None:
    difference = found.difference["accuracy"]
    value, interval = words.difference("accuracy", difference)
    p_value = f"p = {found.p_value:.3f}" if found.p_value >= 0.001 else "p < 0.001"
    better = plain(found.model_b if difference.value > 0 else found.model_a)
    text = (
        f"On the {words.photos(len(found.gained) + len(found.lost))} of {found.n:,} where only one of them is right, "
        f"it is **{plain(found.model_b)}** {len(found.gained):,} times and **{plain(found.model_a)}** "
        f"{len(found.lost):,} times (exact McNemar test: {p_value}). Accuracy: **{value}** ({interval})."
    )
    if found.p_value < _CHANCE:
        st.success(f"**{better} is better.** {text}", icon=":material/trending_up:")
    else:
        st.info(f"**The difference may be chance.** {text}", icon=":material/balance:")
    for note in found.notes:
        st.caption(f":material/info: {plain(note)}")


def _photos(title: str, photos: pd.DataFrame, key: str) -> None:
    st.header(f"{title}: {len(photos):,}")
    if photos.empty:
        return
    shown = photos.iloc[paging.turned_to(len(photos), _PER_PAGE, f"{key}-page")]
    wrong = "found_a" if key == "gained" else "found_b"
    texts = [
        f"{plain(label_text(label))}, not {plain(label_text(found))}"
        for label, found in zip(shown["label"], shown[wrong], strict=True)
    ]
    tiles.show(shown, key=key, texts=texts)
