"""Mistakes: photos with a wrong answer, the most confident first, to be decided one by one or a pair at a time.

A person who looks at a mistake finds one of two: the label is wrong, or the model is. The first relabels the photo; the
second keeps it, so that the gallery and the dataset's check do not ask again. *Same mistake* shows all photos with this
label and this answer, where both can be decided for a whole page at once. Each decision is a fix of the dataset.
"""

import pandas as pd
import streamlit as st

from har_core.labels import label_text
from har_ui import paging
from har_ui.datasets import fixing, tiles
from har_ui.datasets.view import view_of as dataset_view
from har_ui.evaluation import heat, state, words
from har_ui.evaluation.view import View

_PER_PAGE = 12
_CARD = 330
_PICTURE = 150
_OPEN, _DECIDED, _BOTH = "to look at", "looked at", "all"


def show(view: View) -> None:
    """Draws the section."""
    fixing.show_undo(view.choice.dataset, dataset_view(view.choice.dataset).fixes)
    if view.mistakes.empty:
        st.success("Every answer is right: there is no mistake to look at.", icon=":material/check_circle:")
        return
    found, is_heat = _controls(view)
    if found.empty:
        st.success("Nothing left to look at here.", icon=":material/check_circle:")
        return
    pair = st.session_state.get(state.PAIR)
    shown = found.iloc[paging.turned_to(len(found), _PER_PAGE, f"mistakes-page-{view.choice.model}-{pair}")]
    if pair:
        _decide_all(view, shown)
    counts = view.mistakes.groupby(["label", "found"]).size()
    with st.grid(min_column_width=_CARD, gap="small", key="mistakes"):
        for _, photo in shown.iterrows():
            with st.container(border=True, key=f"mistake-{photo.name}"):
                _card(view, photo, is_heat, int(counts[photo["label"], photo["found"]]))


def _controls(view: View) -> tuple[pd.DataFrame, bool]:
    """The mistakes that are wanted, and whether with heat maps."""
    wrong = view.mistakes
    kept = wrong["kept"].astype(bool)
    choices = {_OPEN: wrong[~kept], _DECIDED: wrong[kept], _BOTH: wrong}
    pairs = wrong.groupby(["label", "found"]).size().sort_values(ascending=False, kind="stable")
    if st.session_state.get(state.PAIR) not in pairs:
        st.session_state[state.PAIR] = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Mistakes",
            list(choices),
            default=_OPEN,
            required=True,
            format_func=lambda name: f"{name} ({len(choices[name]):,})",
            key="which-mistakes",
            persist_state="page",
        )
        pair = st.selectbox(
            "Which mistake",
            list(pairs.index),
            index=None,
            format_func=lambda pair: f"{label_text(pair[0])}, called {label_text(pair[1])} ({pairs[pair]:,})",
            placeholder="any",
            key=state.PAIR,
            width=340,
        )
        is_heat = st.toggle("Where it looked", key="heat", persist_state="page")
    found = choices[which]
    if pair:
        found = found[(found["label"] == pair[0]) & (found["found"] == pair[1])]
    return found, is_heat


def _decide_all(view: View, shown: pd.DataFrame) -> None:
    """Both decisions, for all photos of a page that is about one pair of labels."""
    label, found = shown["label"].iloc[0], shown["found"].iloc[0]
    dataset, paths = view.choice.dataset, shown["path"].tolist()
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(f"All {words.photos(len(paths))} on this page:", width="content")
        st.button(
            f"They are {words.name(found)}",
            icon=":material/label:",
            help="Their label is wrong: relabels them to what the model says. It can be undone at once.",
            on_click=fixing.fix,
            args=(dataset, "relabel", paths, found),
            key="relabel-all",
        )
        st.button(
            f"They are {words.name(label)}",
            icon=":material/check:",
            help="Their label is right, and the model errs. It can be undone at once.",
            on_click=fixing.fix,
            args=(dataset, "keep", paths),
            key="keep-all",
        )


def _card(view: View, photo: pd.Series, is_heat: bool, alike: int) -> None:
    dataset, path, label, found = view.choice.dataset, photo["path"], photo["label"], photo["found"]
    picture = heat.overlay(view.choice.bundle, path, photo["id"]) if is_heat else None
    with st.container(horizontal=True, gap="small"):
        with st.container(width=_PICTURE):
            tiles.tile(photo, picture or tiles.thumbnail(path, photo["id"]), "mistake", "details")
        with st.container(width="stretch", gap="xsmall"):
            sure = ":orange-badge[sure]" if photo["sure"] else ":gray-badge[unsure]"
            st.markdown(f"{words.mistake(label, found)} {photo['confidence']:.0%} {sure}")
            st.button(
                "Label is wrong",
                icon=":material/label:",
                help=f"Relabels it to “{words.name(found)}”. For another label, open the photo.",
                on_click=fixing.fix,
                args=(dataset, "relabel", [path], found),
                key=f"wrong-{path}",
                width="stretch",
            )
            st.button(
                "Label is right",
                icon=":material/check:",
                disabled=bool(photo["kept"]),
                help="The model errs. The photo counts as looked at, and the dataset's check will not ask again.",
                on_click=fixing.fix,
                args=(dataset, "keep", [path]),
                key=f"right-{path}",
                width="stretch",
            )
            if alike > 1:
                st.button(
                    f"Same mistake ({alike:,})",
                    icon=":material/content_copy:",
                    help="Shows all photos with this label and this answer, to decide on them together.",
                    on_click=state.show_pair,
                    args=(label, found),
                    key=f"same-{path}",
                    width="stretch",
                )
