"""Draws a video's recognition: its progress, its end, and its answer."""

import time

import streamlit as st

from har_core.labels import label_text
from har_core.video import clock
from har_core.video.recognition import VideoResult
from har_core.video.segments import Segment
from har_core.video.work import Work
from har_ui import paging, terms
from har_ui.datasets.job_panel import pace
from har_ui.page import decision_badge, plain
from har_ui.video import timeline

_TILE = 130
_CARD = 170
_CARDS = 24

_COLUMNS = {
    "start": st.column_config.TextColumn("Start"),
    "end": st.column_config.TextColumn("End"),
    "action": st.column_config.TextColumn("Action"),
    "probability": st.column_config.ProgressColumn(
        "Probability", min_value=0, max_value=100, format="%.0f %%", help=terms.PROBABILITY
    ),
    "decision": st.column_config.TextColumn("Decision", help=terms.SURE),
}


def show(work: Work) -> None:
    """Draws the work as it stands now."""
    state = work.state()
    if state == "running":
        _follow(work)
    elif state == "stopped":
        st.info(f"Stopped looking at {plain(work.title)}.", icon=":material/stop_circle:")
    elif state == "failed":
        st.error(f"**{plain(work.title)}**: {plain(work.error()[1])}", icon=":material/broken_image:")
    else:
        _answer(work, work.result())


@st.fragment(run_every=0.5)
def _follow(work: Work) -> None:
    """Looks twice a second; as soon as it is over, the page is drawn anew, without this."""
    if work.state() != "running":
        st.rerun()
    done, total = work.progress()
    with st.container(border=True, key="video-work"):
        title, stop = st.columns([5, 1], vertical_alignment="center")
        title.markdown(f":material/progress_activity: **{plain(work.title)}**")
        stop.button("Stop", icon=":material/stop_circle:", on_click=work.stop, width="stretch", key="stop-video")
        if total:
            left = pace(done, total, 0, time.time() - work.started).rpartition(" · ")[2]
            text = f"{clock(done)} of {clock(total)} looked at" + f" · {left}" * bool(left)
        else:
            text = f"{clock(done)} looked at" if done else "opening the video"
        st.progress(min(1.0, done / total) if total else 0.0, text)


def _answer(work: Work, result: VideoResult) -> None:
    st.header(plain(work.title))
    for note in result.notes:
        st.warning(plain(note), icon=":material/content_cut:")
    _figures(result)
    st.plotly_chart(
        timeline.figure(result, work.bundle.info.labels),
        config={"displayModeBar": False},
        key="video-timeline",
        alt="Which action is shown when",
    )
    st.caption("Solid: the model is sure; hatched: it is unsure.")
    _cards(work, result.segments)
    st.dataframe(
        timeline.table(result),
        hide_index=True,
        column_config=_COLUMNS,
        height=min(420, 40 + 35 * len(result.segments)),
        alt="All segments, in order",
    )
    with st.container(horizontal=True):
        stem = work.title.rpartition(".")[0] or "video"
        st.download_button(
            "CSV", timeline.to_csv(result), f"{stem}.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "JSON",
            timeline.to_json(work.title, result),
            f"{stem}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )


def _figures(result: VideoResult) -> None:
    sure = sum(item.end - item.start for item in result.segments if item.decision == "sure")
    with st.grid(min_column_width=_TILE, gap="small"):
        st.metric("Length", clock(result.duration), border=True)
        st.metric("Actions", len({item.label for item in result.segments}), border=True)
        st.metric(
            "Sure of",
            f"{sure / result.duration:.0%}" if result.duration else "–",
            border=True,
            help="Share of the video in segments on which the model commits itself.",
        )
        st.metric("Pictures looked at", f"{len(result.samples.times):,}", border=True)
    info = result.info
    st.caption(
        f"{info.codec} as stored: {info.width} × {info.height}"
        + (f", {info.rate:.3g} pictures a second" if info.rate else "")
        + f". Model **{plain(result.model.name)}**, version {result.model.version}."
    )


def _cards(work: Work, segments: list[Segment]) -> None:
    shown = paging.turned_to(len(segments), _CARDS, "video-cards")
    with st.grid(min_column_width=_CARD, gap="small"):
        for number, item in enumerate(segments[shown], shown.start):
            with st.container(border=True, gap="xsmall"):
                _card(work.picture(number), item)


def _card(picture: bytes | None, item: Segment) -> None:
    if picture:
        st.image(picture, width="stretch", alt=f"{label_text(item.label)} at {clock(item.start)}")
    st.markdown(f"**{plain(label_text(item.label))}** {decision_badge(item.decision, f'{item.confidence:.0%}')}")
    st.caption(f"{clock(item.start)} – {clock(item.end)}")
