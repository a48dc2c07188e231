"""What one run has to show: how it ended, headline figures, curves, and how each label does."""

import plotly.graph_objects as go
import streamlit as st

from har_core.labels import label_text
from har_ui import terms
from har_ui.page import plain
from har_ui.training import charts, tables, words
from har_ui.training.records import View

_TILE = 150
_STILL = {"displayModeBar": False}
_TALL = 620


def how_it_ended(view: View) -> None:
    """Says how a run ended, and what can be done about it."""
    name = plain(words.short_name(view.run))
    message = plain(view.outcome.message) if view.outcome else ""
    kept = " What it had learnt by its last whole epoch is kept." if view.has_checkpoint else ""
    if view.state == "done" and view.outcome:
        accuracy = view.outcome.metrics.get("accuracy")
        figure = f" It is right about {accuracy.value:.0%} of the test photos." if accuracy else ""
        st.success(f"**{name}** is done.{figure}", icon=":material/check_circle:")
    elif view.state == "failed":
        st.error(f"**{name}** failed. {message or 'See its log.'}{kept}", icon=":material/error:")
    elif view.state == "cancelled":
        st.warning(f"**{name}** was stopped.{kept}", icon=":material/stop_circle:")
    elif view.state == "interrupted":
        st.warning(
            f"**{name}** was interrupted: its worker was killed, or the machine went down.{kept} "
            "Nobody goes on with it until you resume it.",
            icon=":material/power_off:",
        )


def tiles(view: View) -> None:
    """The last epoch's validation figures, with their change since the epoch before."""
    if not view.epochs:
        return
    last = view.epochs[-1]
    before = view.epochs[-2] if len(view.epochs) > 1 else None
    with st.grid(min_column_width=_TILE, gap="small"):
        st.metric(
            "Validation accuracy",
            f"{last.val_accuracy:.1%}",
            f"{100 * (last.val_accuracy - before.val_accuracy):+.1f} points" if before else None,
            border=True,
            help=f"On validation. {terms.ACCURACY}",
        )
        st.metric(
            "Macro-F1",
            f"{last.val_macro_f1:.1%}",
            f"{100 * (last.val_macro_f1 - before.val_macro_f1):+.1f} points" if before else None,
            border=True,
            help=f"On validation. {terms.MACRO_F1}",
        )
        st.metric(
            "Validation loss",
            f"{last.val_loss:.3f}",
            f"{last.val_loss - before.val_loss:+.3f}" if before else None,
            delta_color="inverse",
            border=True,
            help=f"{terms.LOSS} The best epoch is chosen by it.",
        )
        if view.best and view.run.recipe.phases:
            ago = last.epoch - view.best.epoch
            st.metric(
                "Best epoch",
                str(view.best.epoch),
                (f"{ago} ago" if ago else "the last one") if view.best.epoch else "the head alone",
                delta_color="off",
                delta_arrow="off",
                border=True,
                help=terms.EPOCH
                + (
                    f" A phase ends after {view.run.recipe.patience} of them without a better one."
                    if view.run.recipe.patience
                    else ""
                ),
            )


def show(view: View) -> None:
    """Curves over the epochs, and the recall of each label."""
    run, recipe = view.run, view.run.recipe
    if not recipe.phases and not view.is_over:
        st.caption("This recipe fits only a head, in one go: there are no epochs to watch.")
    if not recipe.phases:
        if view.epochs:
            recall(view)
        return
    if not view.epochs:
        st.caption("The curves begin once the head is fitted.")
        return
    steps = tables.steps(run.steps(), _epoch_length(view))
    arguments = (view.epochs, steps, _axis(view), run.id)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader(
            "Loss",
            help="While it learns, photos are varied and labels smoothed, so the loss on train may lie above that on "
            "validation.",
        )
        _draw(charts.curve("loss", *arguments), "loss", "Loss over the epochs")
        st.subheader("Accuracy")
        _draw(charts.curve("accuracy", *arguments), "accuracy", "Accuracy over the epochs")
        if len(steps):
            st.subheader("Learning rate", help=terms.LEARNING_RATE)
            _draw(charts.learning_rate(*arguments), "rate", "Learning rate over the epochs")
    with right:
        recall(view)


def recall(view: View) -> None:
    """How much of each label is recognised: after the last epoch, or, of a run that is over, after the best."""
    at = view.best if view.is_over and view.best else view.epochs[-1]
    before = next((epoch for epoch in view.epochs if epoch.epoch == at.epoch - 1), None)
    when = f"epoch {at.epoch}" if at.epoch else "the head alone"
    st.subheader(
        f"Recall of each label, {when}",
        help="Share of a label's validation photos that were recognised. The mark is where the epoch before was; in "
        "brackets, the change in points. A label with few photos jumps.",
    )
    figure = charts.recall_bars(tables.recall(at, before), view.run.id)
    with st.container(height=_TALL if figure.layout.height > _TALL else "content", border=False):
        _draw(figure, "recall", "Recall of each label")
    missed = [label for label, value in at.recall.items() if value == 0]
    if missed:
        st.caption(f"Never recognised: {', '.join(plain(label_text(label)) for label in missed)}.")


def _axis(view: View) -> int:
    """Epochs on the axis: all that are planned as long as they may come, else those that were."""
    return view.epochs[-1].epoch if view.is_over else view.run.recipe.epochs


def _epoch_length(view: View) -> float | None:
    """Steps in an epoch: what the run last said of it, if that was about an epoch."""
    now = view.run.progress()
    return float(now.total) if now and now.epoch else None


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, config=_STILL, key=f"run-{key}", alt=alt)
