"""As long as a model was not asked about all photos: what is missing, and the button that asks."""

import streamlit as st

from har_core.evaluation import judging
from har_ui.datasets import job_panel
from har_ui.datasets.commands import Command
from har_ui.evaluation import words
from har_ui.evaluation.view import Choice
from har_ui.page import plain


def command(choice: Choice) -> Command:
    """Asks a model about the photos of a choice; what it was asked before is not asked again."""
    where = f"{choice.dataset.name}, {choice.split}" if choice.split else choice.dataset.name
    arguments = ("evaluate", choice.model, f"--dataset={choice.dataset.name}", f"--split={choice.part}", "--json")
    return Command(f"Asking {choice.model} about {where}", arguments, choice.dataset.name)


def show(choice: Choice) -> None:
    """Draws what is missing, with the button.

    Raises:
        DatasetError: There is nothing to be asked about.
    """
    count = judging.missing(choice.bundle, choice.dataset, choice.split)
    st.info(
        f"**{plain(choice.model)}** was not asked about {words.photos(count)} of this part yet. Once it was, its "
        "answers are kept: labels and splits may change, and nothing is asked again.",
        icon=":material/quiz:",
    )
    if choice.split in ("train", "val"):
        st.caption(
            "Photos that a model has learnt from or was calibrated on are scored apart; of the dataset that it was "
            "made from, that is all of *train* and *val*."
        )
    if st.button(
        f"Ask it about {words.photos(count)}",
        icon=":material/play_arrow:",
        type="primary",
        disabled=job_panel.is_busy(),
        key=f"ask-{choice.model}",
    ):
        job_panel.begin(command(choice))
