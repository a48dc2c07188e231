"""Step 5: how good the new model is, and what can be done with it."""

import streamlit as st

from har_core.bundle import Bundle, Evaluation
from har_core.evaluation import metrics
from har_core.labels import label_text
from har_ui.models import detail, gate
from har_ui.page import plain

_FEW = 100


def show(model: Bundle) -> None:
    """Draws the step."""
    st.header("5 · Keep it")
    st.markdown(how_good(model.info.evaluation))
    _warn(model)
    gate.show(model)
    with st.container(border=True, key="own-download"):
        st.subheader("Take it elsewhere")
        st.download_button(
            "Download the model",
            lambda: detail.packed(model),
            f"{model.reference}.zip",
            "application/zip",
            icon=":material/download:",
            help=f"One zip, {model.size / 1e6:.0f} MB; your photos are not in it.",
            on_click="ignore",
            key="own-zip",
        )
        st.markdown("On another machine with this program, also without a network:")
        st.code(
            f"har models import {model.reference}.zip\nhar predict PHOTO.jpg --model {model.info.name}",
            language="shell",
            wrap_lines=True,
        )
        st.caption("Put into service there or here, it also answers the API: `POST /api/v1/predictions`.")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "pages/models.py",
            label="Its card",
            icon=":material/deployed_code:",
            query_params={"model": model.reference},
        )
        st.page_link(
            "pages/dataset.py",
            label="Its photos as a dataset",
            icon=":material/photo_album:",
            query_params={"dataset": model.info.name},
        )


def how_good(evaluation: Evaluation) -> str:
    """The share of right answers with its interval, in a sentence.

    The interval is Wilson's (1927): of a few photos that were all answered rightly, resampling would say that it cannot
    be wrong.
    """
    n = evaluation.n
    accuracy = evaluation.metrics["accuracy"].value
    right = round(accuracy * n)
    low, high = metrics.wilson(right, n)
    return (
        f"Of {n} photos that were kept apart for testing it was right about **{right} ({accuracy:.0%})**. Of many more "
        f"of the kind it would be right about {low:.0%} to {high:.0%} (95 % interval)."
    )


def _warn(model: Bundle) -> None:
    """What makes that figure look better, or less certain, than it is; and what to do about it."""
    notes = []
    if model.info.evaluation.divided:
        names = ", ".join(plain(label_text(label)) for label in model.info.evaluation.divided)
        notes.append(
            f"The figure flatters: for {names}, it was tested on photos that were taken in one go with some that it "
            "learnt from. Record three bursts or more of each, in other places and clothes: then whole bursts are kept "
            "apart for testing."
        )
    if model.info.evaluation.n < _FEW:
        notes.append("So few test photos leave much open. More photos of each action narrow the interval.")
    if notes:
        st.info("  \n".join(notes), icon=":material/info:")
