"""Slices: whether the model is as good on dark, small or blurred photos, and on those of each source, as on others."""

import pandas as pd
import streamlit as st

from har_core.evaluation import charts
from har_ui.evaluation.view import View
from har_ui.page import plain

_STILL = {"displayModeBar": False}


def show(view: View) -> None:
    """Draws the section."""
    overall = view.figures["accuracy"].value
    if view.slices.empty:
        st.info("All photos are alike: there is nothing to compare.", icon=":material/info:")
        return
    drawn, said = st.columns([3, 2], gap="large")
    with drawn:
        figure = charts.slices(view.slices, overall)
        st.plotly_chart(figure, config=_STILL, key="slices", alt="Accuracy on parts of the photos")
    with said:
        worse = view.slices[view.slices["high"] < overall]
        better = view.slices[view.slices["low"] > overall]
        st.header("What stands out")
        if worse.empty and better.empty:
            st.markdown("Nothing: each interval reaches over the accuracy on all photos.")
        for title, found in (("Clearly worse", worse), ("Clearly better", better)):
            if len(found):
                st.markdown(f"**{title}** than the **{overall:.1%}** on all photos:\n\n" + _listed(found))
        st.caption(
            "Quarters of the photos by brightness (mean luma, 0–255), size (shorter side, pixels) and sharpness "
            "(variance of the Laplacian), and their sources. The lines are 95 % intervals, the dotted one is the "
            f"accuracy on all photos. Among {len(view.slices)} slices, one or two may stand out by chance."
        )


def _listed(found: pd.DataFrame) -> str:
    return "\n".join(
        f"- {charts.SLICES[row['kind']].lower()} {plain(row['name'])}: {row['accuracy']:.1%} of {row['n']:,}"
        for row in found.to_dict("records")
    )
