"""Which model is judged, and by what; what there is to do as long as there is nothing to choose from."""

import streamlit as st

from har_core import serving
from har_core.bundle import Bundle
from har_core.datasets import store
from har_core.datasets.manifest import SPLITS
from har_core.errors import ModelError
from har_ui.evaluation.view import Choice
from har_ui.page import plain

_ALL = "all"


def models() -> dict[str, Bundle]:
    """All models that can be read, by ``NAME@VERSION``; the one in service first."""
    found = {bundle.reference: bundle for bundle in serving.bundles()[0]}
    try:
        first = serving.find().reference
    except ModelError:  # Which of the others to judge is still a question.
        return found
    return {name: found[name] for name in sorted(found, key=lambda name: name != first)}


def show() -> Choice | None:
    """Draws the choice of a model, a dataset and a split; says what to do where there is nothing to choose from."""
    known, names = models(), store.names()
    if not known:
        st.error("There is no model that can be read: `har models list` says why.", icon=":material/error:")
        return None
    if not names:
        st.info(
            "A model is judged by photos whose labels are known, and there is no dataset yet. Import photos with "
            "labels; then see here how good each model is on them, what it takes for what, and where it errs.",
            icon=":material/rule:",
        )
        st.page_link("pages/dataset.py", label="Import photos", icon=":material/add_photo_alternate:")
        return None
    model_column, dataset_column, split_column = st.columns([3, 3, 2], vertical_alignment="bottom")
    model = model_column.selectbox("Model", list(known), key="judged", bind="query-params")
    dataset = dataset_column.selectbox(
        "Dataset", names, index=_fitting(known[model], names), key="dataset", bind="query-params"
    )
    split = split_column.selectbox(
        "Split",
        [*SPLITS, _ALL],
        index=SPLITS.index("test"),
        help="*test* is what no model has been fitted to. *all*: every labelled photo. Photos that the model has "
        "learnt from are found wherever they lie, and are scored apart.",
        key="split",
        bind="query-params",
    )
    return Choice(known[model], store.load(dataset), None if split == _ALL else split)


def _fitting(bundle: Bundle, names: list[str]) -> int:
    """The dataset that a model was probably made from: the one of its name."""
    return names.index(bundle.info.name) if bundle.info.name in names else 0


def describe(choice: Choice) -> str:
    """A choice in words, as Markdown."""
    part = f", {choice.split}" if choice.split else ""
    return f"**{plain(choice.model)}** on **{plain(choice.dataset.name)}**{part}"
