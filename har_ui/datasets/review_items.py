"""How one finding of a check looks, with the buttons that settle it."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from har_core.datasets.checks import LabelIssue, NearPair, Undecodable
from har_core.datasets.store import Action
from har_core.labels import label_text
from har_ui.datasets import fixing, tiles
from har_ui.datasets.query import short_name
from har_ui.datasets.view import View
from har_ui.page import plain

_MOST_SHOWN = 8
_ICONS = {
    "relabel": ":material/label:",
    "keep": ":material/check:",
    "exclude": ":material/block:",
    "same_group": ":material/group_work:",
}


@dataclass(frozen=True)
class Choice:
    """A fix that would settle a finding, and what its button says."""

    text: str
    action: Action
    paths: Sequence[str]
    label: str | None = None


def label_issue(view: View, issue: LabelIssue) -> None:
    """A photo with its label and the label that would fit better."""
    given, suggested = plain(label_text(issue.label)), plain(label_text(issue.suggested))
    with st.container(horizontal=True):
        tiles.row(view.of([issue.path]), key="issue")
        with st.container(width=420):
            st.markdown(f"Labelled **{given}**, perhaps **{suggested}** :orange-badge[{issue.score:.0%}]")
            st.caption(plain(short_name(issue.path)))
            _decide(
                view,
                [issue.path],
                Choice(f"It is {suggested}", "relabel", [issue.path], issue.suggested),
                Choice(f"It is {given}", "keep", [issue.path]),
                Choice("Exclude", "exclude", [issue.path]),
            )


def near_pair(view: View, pair: NearPair) -> None:
    """Two photos side by side."""
    with st.container(horizontal=True):
        tiles.row(view.of(pair.paths), key="-".join(str(view.rows[path]) for path in pair.paths))
        with st.container(width=320):
            st.markdown(f"**{pair.bits}** of 64 bits differ")
            st.caption("  \n".join(plain(short_name(path)) for path in pair.paths))
            _decide(
                view,
                pair.paths,
                Choice("Exclude the second", "exclude", pair.paths[1:]),
                Choice("Same group", "same_group", pair.paths),
            )


def one_is_enough(view: View, paths: Sequence[str]) -> None:
    """Photos of which all but one may go."""
    _group(view, paths)
    _decide(view, paths, Choice(f"Exclude all but {plain(short_name(paths[0]))}", "exclude", paths[1:]))


def conflicting(view: View, paths: Sequence[str]) -> None:
    """Photos that should have the same label."""
    _group(view, paths)
    labels = sorted(view.of(paths)["label"].dropna().unique())
    relabel = [Choice(f"All are {plain(label_text(label))}", "relabel", paths, label) for label in labels]
    _decide(view, paths, *relabel, Choice("Exclude all", "exclude", paths))


def undecodable(_: View, item: Undecodable) -> None:
    """A file that is not in the dataset."""
    st.markdown(f":material/broken_image: **{plain(short_name(item.path))}**: {plain(item.message)}")
    st.caption(plain(item.path))


def _group(view: View, paths: Sequence[str]) -> None:
    shown = view.of(paths[:_MOST_SHOWN])
    tiles.row(shown, key="group")
    splits = shown["split"].fillna("no split")
    named = [f"{plain(short_name(path))} ({split})" for path, split in zip(shown["path"], splits, strict=True)]
    more = f" and {len(paths) - _MOST_SHOWN} more" if len(paths) > _MOST_SHOWN else ""
    st.caption(" · ".join(named) + more)


def _decide(view: View, about: Sequence[str], *choices: Choice) -> None:
    """Buttons; their keys name the photos, so that a second click never falls on the finding that moves up."""
    with st.container(horizontal=True, gap="xsmall"):
        for choice in choices:
            st.button(
                choice.text,
                icon=_ICONS[choice.action],
                key=f"{choice.action}-{choice.label}-{'|'.join(about)}",
                on_click=fixing.fix,
                args=(view.dataset, choice.action, list(choice.paths), choice.label),
            )
