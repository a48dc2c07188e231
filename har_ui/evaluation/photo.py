"""One photo in a dialog: what the model says of it and where it looked, what may be done about its label."""

import pandas as pd
import streamlit as st

from har_core.errors import HarError
from har_core.predictor import Score
from har_ui import charts, next_run
from har_ui.datasets import detail, tiles
from har_ui.datasets.view import view_of as dataset_view
from har_ui.evaluation import heat, state, words
from har_ui.evaluation.view import Choice, View, view_of
from har_ui.page import decision_badge, plain

_BEST = 5
_ALIKE = 6


def show_chosen(choice: Choice) -> None:
    """Keeps the dialog open as long as a photo is chosen."""
    if tiles.chosen():
        _dialog(choice)


@st.dialog("Photo", width="large", on_dismiss=tiles.put_away)
def _dialog(choice: Choice) -> None:
    next_run.tell()
    known = dataset_view(choice.dataset)
    found = known.of([tiles.chosen() or ""])
    if found.empty:
        st.info("This photo is not in the dataset.")
        return
    photo = found.iloc[0]
    view = _current(choice)
    answers = view.photos[view.photos["path"] == photo["path"]] if view else None
    answer = None if answers is None or answers.empty else answers.iloc[0]
    left, right = st.columns(2, gap="medium")
    with left:
        _picture(choice, photo)
    with right:
        detail.facts(photo)
        if view is not None and answer is not None:
            _answer(view, answer)
        detail.decide(known, photo, None if answer is None or answer["right"] else answer["found"])
    if view is not None and answer is not None and not answer["right"]:
        _same_mistake(view, answer)


def _current(choice: Choice) -> View | None:
    """The answers with the labels as they are after the last click here."""
    try:
        return view_of(choice)
    except HarError:  # The photo that was just put right was the last one, say.
        return None


def _picture(choice: Choice, photo: pd.Series) -> None:
    shown = st.container(key="photo-large")
    looked = st.toggle("Where it looked", key=f"looked-{photo['path']}")
    try:
        picture = heat.overlay(choice.bundle, photo["path"], photo["id"]) if looked else None
        shown.image(picture or detail.large(photo["path"], photo["id"]), width="stretch", alt=photo["path"])
    except HarError as error:
        shown.warning(plain(str(error)), icon=":material/broken_image:")
    if looked:
        st.caption("Bright: what speaks for the model's answer.")
    st.caption(plain(photo["path"]))


def _answer(view: View, answer: pd.Series) -> None:
    probabilities = view.probabilities(answer["path"])
    best = probabilities.argsort()[::-1][:_BEST]
    badge = decision_badge("sure" if answer["sure"] else "unsure")
    st.markdown(f"{plain(view.choice.model)} says **{words.name(answer['found'])}** {badge}")
    scores = [Score(view.labels[place], float(probabilities[place])) for place in best]
    figure = charts.score_bars(scores, bool(answer["sure"]), view.judged.info.thresholds.confidence)
    st.plotly_chart(figure, config={"displayModeBar": False}, key=f"scores-{answer.name}", alt="Probabilities")


def _same_mistake(view: View, answer: pd.Series) -> None:
    label, found = answer["label"], answer["found"]
    others = view.answered(label, found).drop(index=answer.name)
    if others.empty:
        return
    st.subheader(f"The same mistake: {words.mistake(label, found)}")
    shown = others.head(_ALIKE)
    tiles.show(shown, key="same", texts=[f"{confidence:.0%}" for confidence in shown["confidence"]])
    if st.button(f"Show all {len(others) + 1:,} in the gallery", icon=":material/content_copy:", key="same-mistake"):
        state.show_pair(label, found)
        tiles.put_away()
        st.rerun()
