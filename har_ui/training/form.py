"""New run: a dataset, a recipe, and what would come of it."""

from typing import Any

import streamlit as st

from har_core.datasets import manifest, store
from har_core.datasets.store import Dataset
from har_core.errors import HarError, RecipeInvalid
from har_core.labels import label_text
from har_ui import terms
from har_ui.datasets import commands, job_panel
from har_ui.datasets.view import View, view_of
from har_ui.page import plain
from har_ui.training import actions, fields, records, tables, words
from training import queue, recipe
from training.estimate import Estimate, estimate
from training.recipe import Phase, Recipe

_SPLIT = 0.15
_PARTS = ("head", "phases", "optimizer", "augmentation", "regularization", "distillation")
_NAMED_APART = "name"
_MOST_PHASES = 20
_MOST_CHANGES = 6
_SECONDS_KEPT = 20
_ICONS = {
    "general": ":material/tune:",
    "head": ":material/account_tree:",
    "phases": ":material/stairs:",
    "optimizer": ":material/trending_down:",
    "augmentation": ":material/filter:",
    "regularization": ":material/balance:",
    "distillation": ":material/school:",
}


def show() -> None:
    """Draws the section."""
    names = store.names()
    if not names:
        _no_dataset()
        return
    choices, outlook = st.columns([3, 2], gap="large")
    with choices:
        dataset = store.load(_dataset(names))
        preset = _preset()
        base = recipe.load(preset)
        name = _name(base.name or dataset.name)
    # Below the outlook, so that on a phone nobody has to scroll past all of it to start.
    values = {_NAMED_APART: name, **_advanced(base, f"recipe-{preset}")}
    with outlook, st.container(border=True):
        try:
            wished = recipe.validate(values)
        except RecipeInvalid as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            _outlook(base, preset, wished, view_of(dataset))


def _no_dataset() -> None:
    st.info(
        "A model is trained on a dataset: photos with labels, split into those that it learns from and those that it "
        "is measured on. There is no dataset yet.",
        icon=":material/dataset:",
    )
    st.page_link("pages/dataset.py", label="Import photos on the page Dataset", icon=":material/arrow_forward:")
    st.page_link("pages/own_actions.py", label="No photos yet? See My own actions", icon=":material/school:")


def _dataset(names: list[str]) -> str:
    return str(st.selectbox("Dataset", names, key="train-on", bind="query-params", persist_state="page"))


def _preset() -> str:
    plans = {name: recipe.load(name) for name in recipe.presets()}
    # Those for any dataset first; those with a name of their own made the models that ship.
    presets = sorted(plans, key=lambda name: (plans[name].name or "", plans[name].epochs))
    chosen = st.radio(
        "Recipe",
        presets,
        captions=[words.preset(name) for name in presets],
        help=terms.RECIPE,
        format_func=str.capitalize,
        key="preset",
        persist_state="page",
    )
    return str(chosen)


def _name(default: str) -> str | None:
    name = st.text_input(
        "Name of the model",
        default,
        key=f"model-name-{default}",
        help="a–z, 0–9, - and _, at most 64 of them. Trained again under the same name, it gets the next version.",
        persist_state="page",
    )
    return str(name).strip() or None


def _advanced(base: Recipe, key: str) -> dict[str, Any]:
    """All that a recipe says beyond its name, as the visitor wants it; still to be validated."""
    values: dict[str, Any] = {}
    st.header("Advanced", help="Everything has a value that works; change what you want to try.")
    with st.container(gap="xsmall"):
        with _group("general"):
            values |= fields.draw(base, [field for field in fields.simple(Recipe) if field != _NAMED_APART], key)
        for part in _PARTS:
            with _group(part):
                if part == "phases":
                    values[part] = _phases(base.phases, key)
                else:
                    begin = getattr(base, part)
                    values[part] = fields.draw(begin, fields.simple(type(begin)), f"{key}-{part}")
    return values


def _group(part: str) -> Any:
    return st.expander(words.title(part), icon=_ICONS[part], type="compact", key=f"group-{part}")


def _phases(base: tuple[Phase, ...], key: str) -> list[dict[str, Any]]:
    number = st.number_input(
        "Phases of fine-tuning",
        0,
        _MOST_PHASES,
        len(base),
        key=f"{key}-phases",
        help=f"{terms.PHASE} None: only a head is fitted, which takes seconds.",
        width=200,
        persist_state="page",
    )
    phases = []
    for position in range(number):
        st.markdown(f":gray[Phase {position + 1}]")
        begin = base[position] if position < len(base) else Phase()
        phases.append(fields.draw(begin, fields.simple(Phase), f"{key}-phase-{position}"))
    return phases


def _outlook(base: Recipe, preset: str, wished: Recipe, view: View) -> None:
    """What a run would be like, and the button that starts it."""
    found = _estimate(view.dataset.name, view.fingerprint, wished.model_dump_json())
    st.header("What to expect")
    if not found.problems:
        st.markdown(f":material/schedule: **{words.between(found.seconds_low, found.seconds_high)}**")
        _photos(found)
    st.markdown(f":material/model_training: {plain(words.plan(wished))}")
    changed = tables.changes(base, wished)
    if changed:
        _changed(base, wished)
        st.button("Undo the changes", icon=":material/undo:", type="tertiary", on_click=_reset, args=(preset,))
    if manifest.included(view.photos)["split"].isna().all():
        _split(view.dataset)
    else:
        _problems(found.problems)
    is_asked = st.button(
        "Start", type="primary", icon=":material/play_arrow:", width="stretch", disabled=bool(found.problems)
    )
    if is_asked and not found.problems:
        actions.start(wished, view.dataset.name)
        st.rerun()
    ahead = _ahead()
    if ahead and not found.problems:
        st.caption(f"Another run is under way or waits: this one would be number {ahead} in the queue.")
    with st.expander("The same on the command line", icon=":material/terminal:", type="compact"):
        st.code(_command(preset, wished, view.dataset.name, changed), language="shell", wrap_lines=True)


def _changed(base: Recipe, wished: Recipe) -> None:
    """In what the recipe differs from the preset."""
    table = tables.differences({"before": base, "now": wished})
    lines = [f"{plain(key)}: {plain(before)} → {plain(now)}" for key, before, now in table.itertuples()]
    more = f"  \n… and {len(lines) - _MOST_CHANGES} more" if len(lines) > _MOST_CHANGES else ""
    st.markdown(":material/edit: Changed:  \n" + "  \n".join(lines[:_MOST_CHANGES]) + more)


def _problems(problems: list[str]) -> None:
    for problem in problems:
        st.error(plain(problem), icon=":material/error:")
    if problems:
        st.page_link("pages/dataset.py", label="Look at the dataset", icon=":material/arrow_forward:")


def _photos(found: Estimate) -> None:
    learnt = " · ".join(plain(label_text(label)) for label in found.labels)
    parts = " · ".join(f"{count:,} {split}" for split, count in found.photos.items())
    st.markdown(f":material/photo_library: {sum(found.photos.values()):,} photos: {parts}")
    if found.unlabelled:
        st.markdown(f":material/school: {found.unlabelled:,} more without a label: its teachers say what they show")
    st.markdown(f":material/label: {len(found.labels)} labels", help=learnt)
    if found.left_out:
        names = ", ".join(plain(label_text(label)) for label in found.left_out)
        st.markdown(f":material/label_off: Left out, too few photos: {names}")


def _split(dataset: Dataset) -> None:
    """Offers to split the dataset, as nothing can be trained before."""
    st.warning(
        "The photos are not split yet: some to learn from (70 %), some to choose by (15 %), and some to measure with "
        "(15 %). Photos of one scene stay together.",
        icon=":material/call_split:",
    )
    if st.button(
        "Split it now", icon=":material/call_split:", width="stretch", disabled=job_panel.is_busy(), key="split-now"
    ):
        job_panel.begin(commands.split(dataset.name, _SPLIT, _SPLIT, 0))


def _ahead() -> int:
    """The place in the queue that a new run would get; 0 where it could start at once."""
    try:
        ahead = len(queue.waiting()) + len(records.running())
    except HarError:  # It is said at the top of the page.
        return 0
    return ahead and max(1, len(queue.waiting()) + 1)


@st.cache_data(max_entries=200, ttl=_SECONDS_KEPT, show_spinner=False)
def _estimate(dataset: str, fingerprint: str, wished: str) -> Estimate:
    """Kept for a moment: the disk fills, and runs that end tell how fast this machine is."""
    del fingerprint  # It is here to be part of the cache's key.
    try:
        return estimate(Recipe.model_validate_json(wished), store.load(dataset))
    except OSError as error:
        return Estimate({}, [], [], 0, [f"Nothing can be written to HAR_HOME: {error.strerror}."], 0.0, 0.0)


def _reset(preset: str) -> None:
    for key in [key for key in st.session_state if str(key).startswith(f"recipe-{preset}-")]:
        del st.session_state[key]


def _command(preset: str, wished: Recipe, dataset: str, changed: list[str]) -> str:
    name = [f"name={wished.name}"] if wished.name and wished.name != (recipe.load(preset).name or dataset) else []
    return " ".join(
        [f"har train {preset} --dataset {dataset} --queue", *(f"--set '{change}'" for change in [*name, *changed])]
    )
