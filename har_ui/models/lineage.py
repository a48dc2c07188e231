"""Where a model comes from: its run, its recipe, its dataset."""

import json
from collections.abc import Mapping, Sequence

import streamlit as st

from har_core.bundle import Bundle
from har_core.datasets import manifest, store
from har_core.errors import HarError, RecipeInvalid
from har_ui.datasets.view import view_of
from har_ui.page import plain
from har_ui.training import actions as trainings
from har_ui.training import tables
from training import recipe, runs

_FINGERPRINT = 12
_HEIGHT = 300


def show(model: Bundle) -> None:
    """Draws it, folded."""
    info = model.info
    with st.expander("Where it comes from", icon=":material/account_tree:", key="lineage"):
        _run(info.run)
        _dataset(info.dataset, info.labels)
        st.markdown(f"**Code** revision {plain(info.code_revision) or 'unknown'}")
        _recipe(info.recipe)


def _run(run: str) -> None:
    if not run:
        st.markdown("**Run**: its bundle names none.")
        return
    try:
        runs.find(run)
    except HarError:
        st.markdown(f"**Run** {plain(run)}, which is not kept here.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Run** {plain(run)}", width="content")
        st.page_link(
            "pages/training.py",
            label="Its curves and log",
            icon=":material/arrow_forward:",
            query_params={trainings.VIEW: trainings.RUNS, "run": run},
        )


def _dataset(dataset: Mapping[str, str | int], labels: Sequence[str]) -> None:
    name, fingerprint = str(dataset.get("name", "")), str(dataset.get("fingerprint", ""))
    counts = ", ".join(f"{dataset[part]} {part}" for part in manifest.SPLITS if isinstance(dataset.get(part), int))
    now = _as_it_is_now(name, fingerprint, labels)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**Dataset** {plain(name) or 'without a name'}"
            + (f" ({counts})" if counts else "")
            + f", fingerprint {plain(fingerprint[:_FINGERPRINT]) or 'unknown'}: {now}.",
            width="content",
        )
        if name in store.names():
            st.page_link(
                "pages/dataset.py",
                label="Its photos",
                icon=":material/arrow_forward:",
                query_params={"dataset": name, "section": "Overview"},
            )


def _as_it_is_now(name: str, fingerprint: str, labels: Sequence[str]) -> str:
    try:
        now = manifest.fingerprint(manifest.taught(view_of(store.load(name)).photos, labels))
    except HarError:
        return "not here"
    return "just as it is here now" if now == fingerprint else "the one here has changed since, or is another one"


def _recipe(values: dict[str, object]) -> None:
    if not values:
        return
    st.markdown("**Recipe**")
    try:
        table = tables.recipe_values(recipe.validate(values))
    except RecipeInvalid:  # Of another version of the project, or foreign.
        st.code(json.dumps(values, indent=1), language="json", wrap_lines=True, height=_HEIGHT)
    else:
        st.dataframe(table, hide_index=True, column_config=_RECIPE, height=_HEIGHT)


_RECIPE = {"key": st.column_config.TextColumn("Setting"), "value": st.column_config.TextColumn("Value")}
