"""Overview: how many photos of what, what the import left out, and the split."""

import pandas as pd
import streamlit as st

from har_core.datasets import checks, manifest
from har_ui import charts, terms
from har_ui.datasets import commands, job_panel, summary
from har_ui.datasets.view import View
from har_ui.page import plain

_TILE = 110
_CHART_HEIGHT = 610
_TABLE_ROWS = 6
_STILL = {"displayModeBar": False}


def show(view: View) -> None:
    """Draws the section."""
    photos = manifest.included(view.photos)
    _figures(view, photos)
    counted, measured = st.columns([3, 2], gap="large")
    with counted:
        st.header("Photos of each label")
        _labels(photos)
    with measured:
        st.header("Sizes")
        st.plotly_chart(
            charts.size_bubbles(summary.size_counts(photos)), config=_STILL, key="sizes", alt="Sizes of the photos"
        )
        st.header("Brightness")
        counts, edges = summary.brightness_counts(photos)
        figure = charts.brightness_bars(counts, edges, checks.DARK_BELOW, checks.BRIGHT_ABOVE)
        st.plotly_chart(figure, config=_STILL, key="brightness", alt="How bright the photos are")
    split, left_out = st.columns(2, gap="large")
    with split:
        _split(view, photos)
    with left_out:
        _left_out(view)


def _figures(view: View, photos: pd.DataFrame) -> None:
    info = view.dataset.info
    figures = {
        "Photos": (f"{len(photos):,}", "Photos that no fix excludes."),
        "Labels": (f"{photos['label'].nunique():,}", "Different labels among them."),
        "Unlabelled": (f"{photos['label'].isna().sum():,}", "Photos without a label; they are not trained on."),
        "Excluded": (f"{view.photos['excluded'].sum():,}", "Photos that a fix leaves out."),
        "Skipped": (f"{info.skipped:,}", "Entries that the import could not use; they are listed below."),
        "Fixes": (f"{len(view.fixes):,}", "Relabelled, kept, grouped or excluded by hand; each can be undone."),
    }
    with st.grid(len(figures), min_column_width=_TILE, gap="small"):
        for title, (figure, meaning) in figures.items():
            st.metric(title, figure, border=True, help=meaning)
    st.caption(
        f"Imported {info.created[:10]} from {plain(info.origin)} ({plain(info.kind)}). "
        f"Fingerprint `{view.fingerprint[:12]}`.",
        help=terms.FINGERPRINT,
    )


def _labels(photos: pd.DataFrame) -> None:
    table = summary.label_counts(photos)
    if table.empty:
        st.info("No photo has a label yet.", icon=":material/info:")
        return
    figure = charts.split_counts(table)
    with st.container(height=_CHART_HEIGHT if figure.layout.height > _CHART_HEIGHT else "content", border=False):
        st.plotly_chart(figure, config=_STILL, key="labels", alt="Photos of each label, split by split")


def _split(view: View, photos: pd.DataFrame) -> None:
    st.header("Split", help=terms.SPLIT)
    assigned = photos["split"].value_counts()
    if assigned.empty:
        st.markdown("The photos are not split yet.")
    else:
        st.markdown(", ".join(f"**{assigned.get(name, 0):,}** {name}" for name in manifest.SPLITS) + ".")
    st.caption(
        "*train* is what a model learns from; *val* chooses among models and sets their bars; *test* gives the figures "
        "in the end. Photos of one scene and near-duplicates stay together, on one side: a model must not be asked "
        "about a photo that it has all but seen. Each label is shared out as evenly as that allows."
    )
    with st.form("split"):
        val_column, test_column, seed_column = st.columns(3)
        val = val_column.number_input("val, %", 0, 45, 15, help="Share of the labelled photos.")
        test = test_column.number_input("test, %", 0, 45, 15, help="Share of the labelled photos.")
        seed = seed_column.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed gives the same split.")
        text = "Split again" if len(assigned) else "Split"
        if st.form_submit_button(text, icon=":material/call_split:", disabled=job_panel.is_busy()):
            job_panel.begin(commands.split(view.dataset.name, val / 100, test / 100, seed))


def _left_out(view: View) -> None:
    st.header("What the import left out")
    if view.skipped.empty:
        st.markdown("Nothing: every entry could be used.")
        return
    reasons = view.skipped["code"].value_counts()
    st.markdown(" · ".join(f"{plain(str(code).replace('_', ' '))}: **{count:,}**" for code, count in reasons.items()))
    height = 37 + 35 * min(len(view.skipped), _TABLE_ROWS)
    st.dataframe(view.skipped, hide_index=True, column_config=_COLUMNS, height=height, alt="What the import left out")
    st.download_button(
        "CSV",
        lambda: summary.to_csv(view.skipped),
        f"{view.dataset.name}-skipped.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


_COLUMNS = {
    "path": st.column_config.TextColumn("File"),
    "code": st.column_config.TextColumn("Reason", width="small"),
    "message": st.column_config.TextColumn("In words"),
}
