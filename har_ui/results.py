"""Shows what the model says of photos."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from har_core.labels import label_text
from har_core.predictor import Prediction, Predictor
from har_ui import charts, page, paging, recognition, terms
from har_ui.feedback import word
from har_ui.page import plain
from har_ui.recognition import Photo, Recognition

_PAGE = 12
_NAMED = 5
_TILE = 130
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
    failed = [item for item in results if item.error]
    for item in failed[:_NAMED]:
        st.error(f"**{plain(item.photo.name)}**: {plain(str(item.error))}", icon=":material/broken_image:")
    if len(failed) > _NAMED:
        st.caption(f"… and {len(failed) - _NAMED} more: see the column *Note* of the table.")
    good = list(enumerate(item for item in results if item.prediction))
    if len(results) == 1:
        for number, item in good:
            with st.container(border=True):
                _card(item, labels, number)
        return
    _summary(results, [item for _, item in good])
    if good:
        chosen, looked = _choose(good)
        _cards(chosen[paging.turned_to(len(chosen), _PAGE, f"page-{len(chosen)}")], labels, looked)


def answer(prediction: Prediction, key: str) -> None:
    """Draws the answer itself: label, decision, reason and bars.

    Args:
        prediction: What to show.
        key: Tells its chart from others on the page.
    """
    headline(prediction)
    reasons(prediction, key)


def headline(prediction: Prediction) -> None:
    """Draws the action, and whether the model is sure."""
    st.markdown(f"## {plain(label_text(prediction.label))} {page.decision_badge(prediction.decision)}", help=terms.SURE)


def reasons(prediction: Prediction, key: str) -> None:
    """Draws what speaks for an answer: a sentence, and the best labels' probabilities.

    Args:
        prediction: What to show.
        key: Tells its chart from others on the page.
    """
    st.caption(plain(recognition.reason(prediction)))
    st.plotly_chart(
        charts.score_bars(prediction.predictions, prediction.decision == "sure", prediction.threshold),
        config={"displayModeBar": False},
        key=f"bars-{key}",
        alt="Probabilities: "
        + ", ".join(f"{label_text(item.label)} {item.score:.0%}" for item in prediction.predictions),
    )


def _choose(good: Sequence[_Numbered]) -> tuple[Sequence[_Numbered], bool]:
    """Which of many answers are shown, and whether with a heat map."""
    counts = Counter(item.prediction.decision for _, item in good if item.prediction) + Counter(all=len(good))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        decision = st.segmented_control(
            "Which answers",
            ["all", "sure", "unsure"],
            default="all",
            required=True,
            format_func=lambda name: f"{name.capitalize()} · {counts[name]}",
            label_visibility="collapsed",
            key="which-answers",
        )
        looked = st.toggle("Where it looked", help=terms.WHERE_IT_LOOKED, key="heat-all")
    chosen = [entry for entry in good if entry[1].prediction and decision in ("all", entry[1].prediction.decision)]
    if not chosen:
        st.info(f"No answer is {decision}.", icon=":material/filter_alt_off:")
    return chosen, looked


def _cards(items: Sequence[_Numbered], labels: Sequence[str], looked: bool) -> None:
    for start in range(0, len(items), 2):
        for column, (number, item) in zip(st.columns(2), items[start : start + 2], strict=False):
            with column.container(border=True):
                _card(item, labels, number, looked)


@st.cache_data(max_entries=200, show_spinner=False)
def thumbnail(payload: bytes) -> bytes:
    """A photo, small enough to send to a browser; made once."""
    return recognition.thumbnail(payload)


def _card(item: Recognition, labels: Sequence[str], number: int, looked: bool | None = None) -> None:
    """A photo with its answer; where it is not said whether with a heat map, a toggle of its own decides that."""
    if item.prediction is None:
        return
    key = f"{number}-{item.photo.key}"
    small = thumbnail(item.photo.payload)
    headline(item.prediction)
    picture, text = st.columns([2, 3], vertical_alignment="top")
    with text:
        reasons(item.prediction, key)
    with picture:
        shown = st.container()
        if looked is None:
            looked = st.toggle("Where it looked", help=terms.WHERE_IT_LOOKED, key=f"heat-{key}")
        shown.image(
            recognition.overlay(small, item.prediction) if looked else small, width="stretch", alt=item.photo.name
        )
        st.caption(
            f"Bright: speaks for “{plain(label_text(item.prediction.label))}”." if looked else plain(item.photo.name)
        )
    word.show(item, labels, key)


def _summary(results: Sequence[Recognition], good: Sequence[Recognition]) -> None:
    sure = sum(item.prediction.decision == "sure" for item in good if item.prediction)
    with st.grid(min_column_width=_TILE, gap="small"):
        st.metric("Photos", len(results), border=True)
        st.metric("Sure answers", sure, border=True, help=terms.SURE)
        st.metric("Could not be read", len(results) - len(good), border=True)
    chart, table = st.columns([2, 3])
    with chart:
        counts = Counter(item.prediction.label for item in good if item.prediction)
        if counts:
            st.plotly_chart(
                charts.label_counts(counts),
                config={"displayModeBar": False},
                key="label-counts",
                alt="How many photos got each action",
            )
    with table:
        st.dataframe(
            _table(results),
            hide_index=True,
            column_config=_COLUMNS,
            height=min(420, 40 + 35 * len(results)),
            alt="All answers",
        )
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
    "confidence": st.column_config.ProgressColumn(
        "Probability", min_value=0, max_value=100, format="%.0f %%", help=terms.PROBABILITY
    ),
    "decision": st.column_config.TextColumn("Decision", help=terms.SURE),
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
