"""Figures as tables, ready to be shown: labels as people write them, shares in per cent."""

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from har_core.evaluation.charts import TITLES
from har_core.evaluation.comparison import Comparison
from har_core.labels import label_text
from har_ui import terms
from har_ui.evaluation import words
from har_ui.evaluation.view import View

_SHARES = ("precision", "recall", "f1", "auroc", "average_precision")


def _share(title: str, meaning: str = "") -> ColumnConfig:
    return st.column_config.ProgressColumn(
        title, min_value=0, max_value=100, format="%.0f %%", help=meaning or None, width=112
    )


PAIRS = {
    "label": st.column_config.TextColumn("Label"),
    "found": st.column_config.TextColumn("Called"),
    "count": st.column_config.NumberColumn("Photos", width=65),
    "share": _share("Of the label", "Share of this label's photos."),
}
HARDEST = {
    "label": st.column_config.TextColumn("Label"),
    "photos": st.column_config.NumberColumn("Photos", help=terms.SUPPORT, width=70),
    "recall": st.column_config.NumberColumn("Recall", format="%.0f %%", help=terms.RECALL, width=70),
    "f1": _share("F1", terms.F1),
}
LABELS = {
    "label": st.column_config.TextColumn("Label", pinned=True),
    "photos": st.column_config.NumberColumn("Photos", help=terms.SUPPORT, width=70),
    "precision": _share("Precision", terms.PRECISION),
    "recall": _share("Recall", terms.RECALL),
    "f1": _share("F1", terms.F1),
    "auroc": _share("AUROC", terms.AUROC),
    "average_precision": _share("Avg. precision", terms.AVERAGE_PRECISION),
}


def pairs(view: View) -> pd.DataFrame:
    """Columns of ``PAIRS``; rows as in ``View.pairs``."""
    return pd.DataFrame(
        {
            "label": [label_text(label) for label, _ in view.confused],
            "found": [label_text(found) for _, found in view.confused],
            "count": view.pairs["count"],
            "share": 100 * view.pairs["share"],
        }
    )


def per_label(view: View) -> pd.DataFrame:
    """Columns of ``LABELS``, for the labels that occur; the index names the label's place among the model's."""
    table = view.per_label[view.per_label["photos"] > 0]
    return table.assign(label=table["label"].map(label_text), **{name: 100 * table[name] for name in _SHARES})


def comparison(found: Comparison) -> pd.DataFrame:
    """Figures of two models side by side, in words.

    Returns:
        Index: figures; columns: the models, and their difference where it is known.
    """
    rows = {
        title: {
            found.model_a: _with_interval(*words.figure(name, found.a[name])),
            found.model_b: _with_interval(*words.figure(name, found.b[name])),
            "difference": _with_interval(*words.difference(name, found.difference[name]))
            if name in found.difference
            else "",
        }
        for name, title in TITLES.items()
        if name in found.a
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _with_interval(value: str, interval: str) -> str:
    return f"{value} ({interval})"
