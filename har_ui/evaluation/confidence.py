"""Confidence: whether probabilities are honest, and what “unsure” costs and buys at each threshold."""

from typing import Literal

import streamlit as st

from har_core.evaluation import charts, curves
from har_core.evaluation.curves import Operating
from har_ui import terms
from har_ui.evaluation import words
from har_ui.evaluation.view import View

_TILE = 150
_STILL = {"displayModeBar": False}
_POINTS = "How many of the sure answers are wrong, over how many are sure; each point of the line is a threshold."


@st.fragment
def show(view: View) -> None:
    """Draws the section; the slider draws this alone anew."""
    own = curves.operating_point(view.answers, view.judged.info.thresholds.confidence, view.energy_bar)
    now = _threshold(view, own)
    _worth(now, own)
    covered, calibrated = st.columns(2, gap="large")
    with covered:
        st.header("Risk over coverage", help=terms.RISK_COVERAGE)
        st.plotly_chart(
            charts.risk_coverage(view.risk_coverage, now, own), config=_STILL, key="risk-coverage", alt="Risk, coverage"
        )
        st.caption(_familiar(view))
    with calibrated:
        st.header("Are the probabilities honest?", help=terms.ECE)
        st.plotly_chart(charts.reliability(view.reliability), config=_STILL, key="reliability", alt="Reliability")
        ece = words.figure("ece", view.figures["ece"])
        st.caption(
            "On the dotted line, answers are right as often as the model says; below it, it promises too much. The "
            f"bars are 95 % intervals. Expected calibration error: {ece[0]} ({ece[1]})."
        )


def _threshold(view: View, own: Operating) -> Operating:
    """What comes of the threshold that the visitor chose; at first the model's own."""
    start = round(100 * own.threshold)
    percent = st.slider(
        "An answer is sure from this probability on",
        0,
        100,
        start,
        format="%d %%",
        help=f"The model's own threshold is {own.threshold:.1%}. Trying another one here changes nothing in the model.",
        key=f"threshold-{view.choice.model}",
        persist_state="page",
    )
    if percent == start:
        return own
    return curves.operating_point(view.answers, percent / 100, view.energy_bar)


def _worth(now: Operating, own: Operating) -> None:
    """What “unsure” costs and buys, compared with the model's own threshold."""
    total = now.sure + now.unsure_right + now.unsure_wrong
    is_same = now == own

    def count(title: str, number: int, before: int, meaning: str, colour: Literal["normal", "inverse"]) -> None:
        change = None if is_same else f"{number - before:+,}".replace("-", "−") if number != before else "±0"
        st.metric(
            title,
            f"{number:,}",
            change,
            delta_color="off" if number == before else colour,
            border=True,
            help=f"{meaning} Below: compared with the model's own threshold.",
        )

    with st.grid(4, min_column_width=_TILE, gap="small"):
        count("Sure and right", now.sure_right, own.sure_right, "Photos with a sure answer that is right.", "normal")
        count("Sure but wrong", now.sure_wrong, own.sure_wrong, "Photos with a sure answer that is wrong.", "inverse")
        count(
            "Unsure but right",
            now.unsure_right,
            own.unsure_right,
            "What “unsure” costs: photos whose best label is right, but not said with confidence.",
            "inverse",
        )
        count(
            "Unsure and wrong",
            now.unsure_wrong,
            own.unsure_wrong,
            "What “unsure” buys: wrong answers that are not said with confidence.",
            "normal",
        )
    st.plotly_chart(charts.outcomes(now), config=_STILL, key="outcomes", alt="Answers, sure and unsure")
    unsure = total - now.sure
    right = f"**{now.accuracy:.1%}** of the sure answers are right" if now.sure else "no answer is sure"
    st.markdown(
        f"From **{now.threshold:.0%}** on, **{now.coverage:.1%}** of the answers are sure, and {right}. Saying "
        f"“unsure” to {words.photos(unsure)} costs **{now.unsure_right:,}** right answers and spares "
        f"**{now.unsure_wrong:,}** wrong ones."
    )


def _familiar(view: View) -> str:
    strange = 0 if view.energy_bar is None else int((view.answers.energy < view.energy_bar).sum())
    if not strange:
        return _POINTS
    return (
        f"{_POINTS} {words.photos(strange)} look like none that the model has learnt from; they are unsure whatever "
        "the threshold, so the line ends before 100 %."
    )
