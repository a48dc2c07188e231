"""Shows what the model says of photos."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from har_core.predictor import Prediction, Predictor
from har_ui import charts, recognition
from har_ui.feedback import word
from har_ui.page import label_text, plain
from har_ui.recognition import Photo, Recognition

_PAGE = 12
_STATE = "recognitions"

_Numbered = tuple[int, Recognition]


def recognise_all(photos: Sequence[Photo], predictor: Predictor) -> list[Recognition]:
    """Classifies the photos, with a progress bar; a photo that was seen before on this page is not run again."""
    info = predictor.bundle.info
    before: dict[tuple[object, ...], Recognition] = st.session_state.get(_STATE, {})
    now: dict[tuple[object, ...], Recognition] = {}
    bar = st.progress(0.0) if len(photos) > 1 else None
    for position, photo in enumerate(photos):
        key = (position, photo.key, photo.name, info.name, info.version)
        now[key] = before.get(key) or recognition.recognise(photo, predictor)
        if bar:
            bar.progress((position + 1) / len(photos), f"{position + 1} of {len(photos)} photos")
    if bar:
        bar.empty()
    st.session_state[_STATE] = now
    return list(now.values())


def show(results: Sequence[Recognition], labels: Sequence[str]) -> None:
    """Shows all results: what failed, a summary when there are many, and a card for each photo.

    Args:
        results: In the order in which the photos were brought.
        labels: Those that a visitor can choose among who finds an answer wrong.
    """
    for item in results:
        if item.error:
            st.error(f"**{plain(item.photo.name)}**: {plain(str(item.error))}", icon=":material/broken_image:")
    good = [item for item in results if item.prediction]
    if len(results) > 1:
        _summary(results, good)
    _cards(_page_of(list(enumerate(good))), labels)


def answer(prediction: Prediction, key: str) -> None:
    """Draws the answer itself: label, decision, reason and bars.

    Args:
        prediction: What to show.
        key: Tells its chart from others on the page.
    """
    sure = prediction.decision == "sure"
    badge = ":green-badge[:material/check_circle: sure]" if sure else ":orange-badge[:material/help: unsure]"
    st.markdown(f"#### {plain(label_text(prediction.label))} {badge}")
    st.caption(plain(recognition.reason(prediction)))
    st.plotly_chart(
        charts.score_bars(prediction.predictions, sure, prediction.threshold),
        config={"displayModeBar": False},
        key=f"bars-{key}",
    )


def _page_of(items: Sequence[_Numbered]) -> Sequence[_Numbered]:
    pages = -(-len(items) // _PAGE)
    if pages <= 1:
        return items
    number = st.number_input(f"Page (of {pages})", 1, pages, key="page", width=160)
    return items[(number - 1) * _PAGE : number * _PAGE]


def _cards(items: Sequence[_Numbered], labels: Sequence[str]) -> None:
    for start in range(0, len(items), 2):
        columns = st.columns(2) if len(items) > 1 else [st.container()]
        for column, (number, item) in zip(columns, items[start : start + 2], strict=False):
            with column.container(border=True):
                _card(item, labels, key=f"{number}-{item.photo.key}")


@st.cache_data(max_entries=200, show_spinner=False)
def thumbnail(payload: bytes) -> bytes:
    """A photo, small enough to send to a browser; made once."""
    return recognition.thumbnail(payload)


def _card(item: Recognition, labels: Sequence[str], key: str) -> None:
    if item.prediction is None:
        return
    small = thumbnail(item.photo.payload)
    picture, text = st.columns([2, 3], vertical_alignment="top")
    with text:
        answer(item.prediction, key)
        looked = st.toggle("Where it looked", key=f"heat-{key}")
    with picture:
        st.image(recognition.overlay(small, item.prediction) if looked else small, width="stretch")
        st.caption(plain(item.photo.name))
        if looked:
            st.caption(f"Bright: speaks for “{plain(label_text(item.prediction.label))}”.")
    word.show(item, labels, key)


def _summary(results: Sequence[Recognition], good: Sequence[Recognition]) -> None:
    sure = sum(item.prediction.decision == "sure" for item in good if item.prediction)
    columns = st.columns(3)
    columns[0].metric("Photos", len(results), border=True)
    columns[1].metric("Sure answers", sure, border=True)
    columns[2].metric("Could not be read", len(results) - len(good), border=True)
    chart, table = st.columns([2, 3])
    with chart:
        counts = Counter(item.prediction.label for item in good if item.prediction)
        if counts:
            st.plotly_chart(charts.label_counts(counts), config={"displayModeBar": False}, key="label-counts")
    with table:
        st.dataframe(_table(results), hide_index=True, column_config=_COLUMNS, height=min(420, 40 + 35 * len(results)))
        with st.container(horizontal=True):
            st.download_button(
                "CSV", recognition.to_csv(results), "predictions.csv", "text/csv", icon=":material/download:"
            )
            st.download_button(
                "JSON", recognition.to_json(results), "predictions.json", "application/json", icon=":material/download:"
            )


_COLUMNS = {
    "photo": st.column_config.TextColumn("Photo"),
    "label": st.column_config.TextColumn("Action"),
    "confidence": st.column_config.ProgressColumn("Probability", min_value=0, max_value=100, format="%.0f %%"),
    "decision": st.column_config.TextColumn("Decision"),
    "note": st.column_config.TextColumn("Note"),
}


def _table(results: Sequence[Recognition]) -> pd.DataFrame:
    rows = []
    for item in results:
        found = item.prediction
        rows.append(
            {
                "photo": item.photo.name,
                "label": label_text(found.label) if found else "",
                "confidence": 100 * found.confidence if found else None,
                "decision": found.decision if found else "not read",
                "note": str(item.error or ""),
            }
        )
    return pd.DataFrame(rows)
