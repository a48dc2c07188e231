"""Two or more runs side by side."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from har_core import serving
from har_core.errors import ModelError
from har_ui.training import charts, tables, words
from har_ui.training.records import View

_STILL = {"displayModeBar": False}
_MARKS = {"circle": "●", "diamond": "◆", "square": "■", "triangle-up": "▲"}
_WIDE_INDEX = {"_index": st.column_config.Column(width=190)}


def show(chosen: Sequence[View]) -> None:
    """Draws the comparison; of more runs than there are colours, the newest."""
    views = chosen[: len(charts.RUN_STYLES)]
    st.header(f"{len(views)} runs compared")
    if len(views) < len(chosen):
        st.caption(f"The newest {len(views)} of the {len(chosen)} that are ticked.")
    _legend(views)
    if len({_measured_on(view) for view in views}) > 1:
        st.warning(
            "They were not trained and measured on the same photos, so their figures say little about which recipe is "
            "better.",
            icon=":material/balance:",
        )
    _figures(views)
    _curves(views)
    _recipes(views)


def _legend(views: Sequence[View]) -> None:
    """Which mark is which run; one legend for all charts."""
    lines = [
        f'<div><span style="color:{style.colour}">{_MARKS[style.symbol]}</span> '
        f"<b>{escape(words.short_name(view.run))}</b> on {escape(view.run.record.dataset)}: {view.state} "
        f'<span style="opacity:0.65">{escape(words.plan(view.run.recipe))}</span></div>'
        for view, style in zip(views, charts.RUN_STYLES, strict=False)
    ]
    st.html("".join(lines))


def _figures(views: Sequence[View]) -> None:
    metrics = {words.short_name(view.run): view.outcome.metrics if view.outcome else {} for view in views}
    if not any(metrics.values()):
        st.caption("None of them is done, so there are no test figures yet.")
        return
    st.subheader("On the test split")
    st.plotly_chart(
        charts.intervals(metrics), config=_STILL, key="compare-intervals", alt="Test figures with intervals"
    )
    st.caption("The bars are 95 % intervals; where they overlap, the difference may be chance.")
    st.dataframe(
        tables.figures(views),
        height="content",
        column_config=_WIDE_INDEX,
        key="compare-figures",
        alt="Test figures of each run",
    )


def _curves(views: Sequence[View]) -> None:
    epochs = {words.short_name(view.run): view.epochs for view in views}
    if not any(epochs.values()):
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Validation loss")
        st.plotly_chart(
            charts.overlay("loss", epochs), config=_STILL, key="compare-loss", alt="Validation loss over the epochs"
        )
    with right:
        st.subheader("Validation accuracy")
        st.plotly_chart(
            charts.overlay("accuracy", epochs),
            config=_STILL,
            key="compare-accuracy",
            alt="Validation accuracy over the epochs",
        )


def _recipes(views: Sequence[View]) -> None:
    st.subheader("Where the recipes differ")
    table = tables.differences({words.short_name(view.run): view.run.recipe for view in views})
    if table.empty:
        st.caption("Nowhere: it is the same recipe.")
    else:
        st.dataframe(
            table, height="content", column_config=_WIDE_INDEX, key="compare-recipes", alt="Settings that differ"
        )


def _measured_on(view: View) -> str:
    """What the run's photos go by: their fingerprint, or the dataset's name as long as that is all that is known."""
    try:
        return str(serving.find(view.bundle).info.dataset["fingerprint"]) if view.bundle else view.run.record.dataset
    except (ModelError, KeyError):
        return view.run.record.dataset
