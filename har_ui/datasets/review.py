"""Review: the last check's findings, to be decided one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from har_core.datasets.checks import Report
from har_ui import paging, terms
from har_ui.datasets import commands, fixing, job_panel, review_items
from har_ui.datasets.findings import Findings, still_open
from har_ui.datasets.view import View

_PER_PAGE = 10


@dataclass(frozen=True)
class _Section:
    """One kind of finding: what it is called, what it means, its items, and how one of them is drawn."""

    title: str
    meaning: str
    items: Sequence[object]
    draw: Callable[..., None]


def show(view: View) -> None:
    """Draws the section."""
    _head(view)
    if view.report is None:
        return
    sections = _sections(view.report, still_open(view.report, view.photos))
    chosen = st.pills(
        "Findings",
        list(sections),
        default="labels",
        required=True,
        format_func=lambda name: f"{sections[name].title} ({len(sections[name].items):,})",
        label_visibility="collapsed",
        key="review-section",
        persist_state="page",
    )
    section = sections[chosen]
    st.caption(section.meaning)
    if not section.items:
        st.success("Nothing left to decide here.", icon=":material/check_circle:")
        return
    shown = paging.turned_to(len(section.items), _PER_PAGE, f"review-page-{view.dataset.name}-{chosen}")
    for item in section.items[shown]:
        with st.container(border=True):
            section.draw(view, item)


def _head(view: View) -> None:
    """How up to date the report is, the check itself, and the newest fix with its undo."""
    text, button = st.columns([4, 1], vertical_alignment="center")
    if view.report is None:
        text.info(
            "This dataset has not been checked yet. A check looks for wrong labels, duplicates, and photos that leak "
            "from one split into another.",
            icon=":material/fact_check:",
        )
    elif view.is_stale:
        text.warning("Photos, labels or splits have changed since the last check.", icon=":material/history:")
    else:
        text.success(f"Checked as it is now: {view.report.images:,} photos.", icon=":material/check_circle:")
    if button.button("Check now", icon=":material/fact_check:", width="stretch", disabled=job_panel.is_busy()):
        job_panel.begin(commands.check(view.dataset.name))
    fixing.show_undo(view.dataset, view.fixes)


def _sections(report: Report, found: Findings) -> dict[str, _Section]:
    bits = f"at most {report.thresholds['phash_bits']:.0f} of 64 bits of one perceptual hash"
    other_bits = f"{report.thresholds['dhash_bits']:.0f} of another"
    return {
        "labels": _Section(
            "Label issues",
            terms.LABEL_ISSUE,
            found.label_issues,
            review_items.label_issue,
        ),
        "near": _Section(
            "Near-duplicates",
            f"{terms.NEAR_DUPLICATE} By number, {bits} differ, and {other_bits}. They stay on one side of a split. "
            "Pairs that are in one group are left out here.",
            found.near_pairs,
            review_items.near_pair,
        ),
        "exact": _Section(
            "Exact duplicates", "Files with the same content.", found.duplicates, review_items.one_is_enough
        ),
        "leaks": _Section(
            "Across splits",
            "Duplicates and near-duplicates that lie in different splits: figures measured with them are too good. "
            "To split again, on *Overview*, puts each group onto one side.",
            found.cross_split,
            review_items.one_is_enough,
        ),
        "conflicts": _Section(
            "Conflicting labels",
            "Duplicates and near-duplicates that are labelled differently.",
            found.conflicting,
            review_items.conflicting,
        ),
        "broken": _Section(
            "Not readable",
            "Files that the import was given and could not read. They are not in the dataset.",
            report.undecodable,
            review_items.undecodable,
        ),
    }
