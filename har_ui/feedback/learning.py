"""From a dataset that people's feedback was added to, with one click, to a model that has learnt from it."""

from collections.abc import Sequence

import streamlit as st

from har_core import serving
from har_core.datasets import store
from har_core.errors import HarError
from har_core.feedback import Entry
from har_core.labels import label_text
from har_ui.evaluation import state as evaluation
from har_ui.page import plain
from har_ui.training import actions as trainings
from har_ui.training import curves, records, words, worker
from har_ui.training.records import View
from training import recipe, starts
from training.estimate import Estimate, estimate
from training.recipe import Recipe
from training.runs import Run
from training.selection import select


def show(added: Sequence[Entry]) -> None:
    """Draws the panel.

    Args:
        added: The entries that a dataset has, oldest first.
    """
    names = [name for name in dict.fromkeys(str(entry.dataset) for entry in reversed(added)) if name in store.names()]
    if not names:
        return
    with st.container(border=True, key="learning"):
        st.header("Train on it")
        name = st.selectbox("Dataset", names, key="learn-from", width=300) if len(names) > 1 else names[0]
        plan = quick_recipe(name)
        found = estimate(plan, store.load(name))
        _say(name, plan, found)
        _say_too_few(found, [entry for entry in added if entry.dataset == name])
        newest = next((view for view in records.newest_first() if view.run.record.dataset == name), None)
        if st.button(
            f"Train on {plain(name)}",
            type="primary" if newest is None else "secondary",
            icon=":material/model_training:",
            disabled=bool(found.problems) or (newest is not None and not newest.is_over),
            key="train",
        ):
            trainings.start(plan, name)
            st.rerun()
        if newest and newest.is_over:
            _over(newest)
        elif newest:
            _watch(newest.run.id)


def quick_recipe(dataset: str) -> Recipe:
    """The quickest training that builds on what is known.

    The network of the model in service gets a new head; where it has learnt from photos that the dataset measures on,
    an ImageNet network does.
    """
    quick = recipe.load("quick")
    try:
        plan = starts.new_head(serving.find())
        photos = store.load(dataset)
        starts.require_blind(plan, photos, select(photos, plan.min_photos))
    except HarError:  # No such model, one that has seen too much; or what is wrong with the dataset, as is said below.
        return quick
    return plan


def _say(name: str, plan: Recipe, found: Estimate) -> None:
    for problem in found.problems:
        st.warning(plain(problem), icon=":material/info:")
    if found.problems:
        st.page_link(
            "pages/dataset.py",
            label=f"Look at {plain(name)}",
            icon=":material/dataset:",
            query_params={"dataset": name, "section": "Overview"},
        )
        return
    head = "A new head on an ImageNet network"
    if plan.start != "imagenet":
        head = f"A new head on the network of {plain(plan.start)}, which is in service"
    st.caption(
        f"{head}: {words.between(found.seconds_low, found.seconds_high)} on this machine, with "
        f"{found.photos.get('train', 0):,} photos. The model in service stays until you put another one in its place."
    )


def _say_too_few(found: Estimate, added: Sequence[Entry]) -> None:
    """Names the labels that people gave, and that a model cannot learn yet."""
    labels = sorted({entry.right_label for entry in added} & set(found.left_out))
    if labels:
        names = ", ".join(plain(label_text(label)) for label in labels)
        st.caption(f":material/hourglass_empty: Too few photos to be learnt yet: {names}.")


@st.fragment(run_every=2)
def _watch(run_id: str) -> None:
    """Looks every two seconds; as soon as the run is over, the page is drawn anew, without this."""
    view = records.find(run_id)
    if view is None or view.is_over:
        st.rerun()
    problem = worker.keep_alive() if view.state == "queued" else ""
    if problem:
        st.warning(problem, icon=":material/power_off:")
    st.markdown(f"**{plain(words.short_name(view.run))}** {words.badge(view.state)}")
    if view.state == "running":
        share, text = words.progress(view.run.progress())
        st.progress(share, text)
    _link_to_training("Watch it live", trainings.LIVE, view.run)


def _over(view: View) -> None:
    """How a run ended, and where to go with what came of it."""
    curves.how_it_ended(view)
    with st.container(horizontal=True):
        if view.bundle:
            _link_to_comparison(view.bundle, view.run.record.dataset)
            st.page_link(
                "pages/models.py",
                label="Put it into service",
                icon=":material/rocket_launch:",
                query_params={"model": view.bundle},
            )
        _link_to_training("The run", trainings.RUNS, view.run)


def _link_to_training(label: str, section: str, run: Run) -> None:
    st.page_link(
        "pages/training.py",
        label=label,
        icon=":material/monitoring:",
        query_params={trainings.VIEW: section, "run": run.id},
    )


def _link_to_comparison(model: str, dataset: str) -> None:
    st.page_link(
        "pages/evaluation.py",
        label="Compare it with the one in service",
        icon=":material/analytics:",
        query_params={
            "judged": model,
            "dataset": dataset,
            evaluation.PART: evaluation.COMPARE,
            "against": serving.in_service(),
        },
    )
