"""All models: a table of them, what is wrong with those that cannot be used, and one in detail."""

import hashlib
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from har_core import serving
from har_ui import terms
from har_ui.models import actions, detail, health, service, tables
from har_ui.page import plain

_ROWS = 8


def show() -> None:
    """Draws the section."""
    models, errors = serving.bundles()
    complaints = {model.reference: text for model in models if (text := health.complaint(model))}
    said = [*map(str, errors), *complaints.values()]
    if models:
        in_service = service.reference()
        names = [model.reference for model in models]
        first = next((names.index(name) for name in (actions.chosen(), in_service) if name in names), 0)
        shown = models[_table(names, tables.overview(models, in_service, complaints), first)]
        actions.choose(shown.reference)
        _broken(said)
        detail.show(shown)
    else:
        say_none()
        _broken(said)


def say_none() -> None:
    """What there is to do as long as there is no model."""
    st.info(
        "There is no model yet. Train one, import one from a zip, or put a bundle into `models/`.",
        icon=":material/deployed_code:",
    )
    st.page_link("pages/training.py", label="Train a model", icon=":material/model_training:")


def _table(names: Sequence[str], rows: pd.DataFrame, chosen: int) -> int:
    """Draws all models; gives the row that is chosen."""
    # A row is chosen by its number, so a table with other rows begins anew, with the model that is chosen.
    key = f"models-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}"
    ticked = st.dataframe(
        rows,
        hide_index=True,
        column_config=_COLUMNS,
        column_order=list(_COLUMNS),
        height=38 + 35 * min(len(names), _ROWS),
        key=key,
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [chosen]}},
        placeholder="",
        alt="All models, by name, newest version first",
    )
    return next((row for row in ticked.selection.rows if row < len(names)), chosen)


def _broken(complaints: Sequence[str]) -> None:
    if complaints:
        count = "One model" if len(complaints) == 1 else f"{len(complaints)} models"
        reasons = "\n".join(f"- {plain(text)}" for text in complaints)
        st.warning(f"{count} cannot be used, and cannot get into service:\n\n{reasons}", icon=":material/broken_image:")


_COLUMNS = {
    "model": st.column_config.TextColumn("Model", pinned=True),
    "state": st.column_config.MultiselectColumn(
        "State", options=[tables.IN_SERVICE, tables.DAMAGED], color=["green", "red"], width=90
    ),
    "accuracy": st.column_config.NumberColumn(
        "Accuracy", format="%.1f %%", help=f"On the test split. {terms.ACCURACY}", width=75
    ),
    "interval": st.column_config.TextColumn("95 % interval", help=f"Of the accuracy. {terms.INTERVAL}", width=110),
    "n": st.column_config.NumberColumn("Photos", help=f"In the test split. {terms.SUPPORT}", width=60),
    "macro_f1": st.column_config.NumberColumn(
        "Macro-F1", format="%.1f %%", help=f"On the test split. {terms.MACRO_F1}", width=75
    ),
    "labels": st.column_config.NumberColumn("Labels", width=60),
    "size": st.column_config.NumberColumn("Size", format="%.1f MB", help="Of the network that serves.", width=70),
    "latency": st.column_config.NumberColumn(
        "Latency", format="%.1f ms", help="Of one photo on this machine, median; empty: not measured yet.", width=75
    ),
    "made": st.column_config.DatetimeColumn("Made", format="distance", width=105),
    "dataset": st.column_config.TextColumn("Dataset", width=100),
    "run": st.column_config.TextColumn("Run"),
}
