"""Overview: the headline figures with their intervals, what they are of, what was left out, and the reports."""

import json

import streamlit as st

from har_core.evaluation import charts, metrics, report
from har_ui import figure_tile, terms
from har_ui.evaluation import tables, words
from har_ui.evaluation.view import View

_TILE = 150
_SHORT = 6


def show(view: View) -> None:
    """Draws the section."""
    _figures(view)
    _leaks(view)
    confused, hardest = st.columns(2, gap="large")
    with confused:
        st.header("Most often confused")
        if not view.confused:
            st.markdown("Nothing: every answer is right.")
        else:
            st.dataframe(
                tables.pairs(view).head(_SHORT),
                hide_index=True,
                column_config=tables.PAIRS,
                height="content",
                alt="The labels that are most often taken for another",
            )
    with hardest:
        st.header("Hardest labels")
        st.dataframe(
            tables.per_label(view).dropna(subset="recall").sort_values("f1").head(_SHORT),
            hide_index=True,
            column_config=tables.HARDEST,
            column_order=list(tables.HARDEST),
            height="content",
            alt="The labels with the lowest F1",
        )
    _left_out(view)
    _reports(view)


def _figures(view: View) -> None:
    with st.grid(min_column_width=_TILE, gap="small"):
        for name, title in charts.TITLES.items():
            value, interval = words.figure(name, view.figures[name])
            figure_tile.show(title, value, interval, terms.FIGURES[name])
    st.caption(
        f"Of {words.photos(len(view.answers))}. Dataset's fingerprint `{view.judged.fingerprint[:12]}`.",
        help=terms.FINGERPRINT,
    )


def _leaks(view: View) -> None:
    leaked = view.judged.leaked
    if not view.judged.leaks_known:
        st.warning(
            "This model carries no list of the photos that it has seen. Where it was trained on these, the figures are "
            "too good.",
            icon=":material/visibility:",
        )
    if leaked:
        alone = metrics.values(leaked.answers)
        st.warning(
            f"**{words.photos(len(leaked.answers))} left out of all figures:** the model has learnt from them or was "
            f"calibrated on them, or on near-duplicates. Scored apart, they would give an accuracy of "
            f"**{alone['accuracy']:.1%}** (n = {len(leaked.answers):,}), which says nothing of how good it is.",
            icon=":material/visibility:",
        )


def _left_out(view: View) -> None:
    unknown, unreadable = view.judged.unknown, view.judged.unreadable
    if unknown:
        named = ", ".join(f"{words.name(label)} ({count:,})" for label, count in unknown.items())
        with st.expander(
            f"{words.photos(sum(unknown.values()))} left out: the model does not know their labels",
            icon=":material/help_center:",
        ):
            st.markdown(named)
    if unreadable:
        with st.expander(f"{words.photos(len(unreadable))} could not be read", icon=":material/broken_image:"):
            st.dataframe(
                {"file": list(unreadable), "what is wrong": list(unreadable.values())}, hide_index=True, height="auto"
            )


def _reports(view: View) -> None:
    name = f"{view.choice.model}-{view.choice.dataset.name}-{view.choice.part}"
    st.header("Report")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "HTML",
            lambda: report.html(view.judged, report.thumbnails(view.judged)),
            f"{name}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
            key="report-html",
        )
        st.download_button(
            "JSON",
            lambda: json.dumps(report.to_dict(view.judged), ensure_ascii=False, indent=1),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
            key="report-json",
        )
        st.caption(
            "All of this in one file that needs nothing else; the HTML shows the most confident mistakes, too.",
            width="content",
        )
