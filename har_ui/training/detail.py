"""One run in detail, and what can be done with it."""

from datetime import UTC, datetime

import streamlit as st

from har_ui.datasets.job_panel import span
from har_ui.models import card
from har_ui.page import plain
from har_ui.training import actions, curves, kept, tables, words
from har_ui.training.records import View

_LOG_LINES = 200


def show(view: View) -> None:
    """Draws the run."""
    run = view.run
    begun = f"{datetime.fromtimestamp(run.record.created, UTC):%Y-%m-%d %H:%M} UTC"
    took = f" · took {span(view.outcome.seconds)}" if view.outcome and view.outcome.seconds else ""
    st.header(f"{plain(words.short_name(run))} {words.badge(view.state)}")
    st.caption(
        f"On {plain(run.record.dataset)} · {plain(words.plan(run.recipe))} · put into the queue {begun}{took} · "
        f"`{run.id}`"
    )
    if view.state in ("failed", "interrupted", "cancelled"):
        curves.how_it_ended(view)
    _buttons(view)
    if view.outcome and view.outcome.metrics:
        card.figures(view.outcome.metrics)
    if view.bundle:
        kept.show(view.bundle)
    if view.epochs:
        if view.state != "done":
            curves.tiles(view)
        curves.show(view)
    with st.expander("Recipe", icon=":material/receipt_long:", key="detail-recipe"):
        st.dataframe(tables.recipe_values(run.recipe), hide_index=True, column_config=_RECIPE, height="content")
    with st.expander("Log", icon=":material/notes:", key="detail-log"):
        st.code("\n".join(run.log(_LOG_LINES)) or "It printed nothing.", language=None, wrap_lines=True)
    if view.is_over:
        _remove(view)


def _buttons(view: View) -> None:
    run = view.run
    with st.container(horizontal=True, gap="small"):
        if not view.is_over:
            st.button(
                "Watch it live",
                icon=":material/monitoring:",
                type="primary",
                on_click=actions.show,
                args=(actions.LIVE,),
            )
            return
        if view.state != "done":
            st.button(
                "Resume",
                icon=":material/resume:",
                type="primary",
                help="Goes on after the last whole epoch, as if nothing had happened."
                if view.has_checkpoint
                else "Begins anew: it had not finished an epoch.",
                on_click=actions.resume,
                args=(run,),
            )
            if view.has_checkpoint:
                st.button(
                    "Make a model of the best so far",
                    icon=":material/done_all:",
                    help="Trains no further; what was best on validation is measured and kept as a model.",
                    on_click=actions.resume,
                    args=(run, True),
                )


def _remove(view: View) -> None:
    with st.popover("Remove", icon=":material/delete:"):
        st.markdown("Its curves, log and checkpoint are deleted." + " Its model stays." * bool(view.bundle))
        st.button(
            "Remove it",
            icon=":material/delete:",
            type="primary",
            key="remove",
            on_click=actions.remove,
            args=(view.run,),
        )


_RECIPE = {"key": st.column_config.TextColumn("Setting"), "value": st.column_config.TextColumn("Value")}
