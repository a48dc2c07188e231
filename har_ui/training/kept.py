"""The model that a run made: whether it is in service, its card, and a first try of it."""

import streamlit as st

from har_core import serving
from har_core.bundle import Bundle
from har_core.errors import ModelError
from har_ui import page, photo_choice, results
from har_ui.models import card, service
from har_ui.page import plain


def show(reference: str) -> None:
    """Draws the model.

    Args:
        reference: ``NAME@VERSION``.
    """
    try:
        bundle = serving.find(reference)
    except ModelError as error:
        st.warning(f"The model {plain(reference)} is not there any more. {plain(str(error))}", icon=":material/error:")
        return
    if reference == service.reference():
        st.markdown(f":material/inventory_2: Kept as **{plain(reference)}**, which is in service now.")
    else:
        st.markdown(
            f":material/inventory_2: Kept for review as **{plain(reference)}**. It does not answer for the app until "
            "it is put into service."
        )
    st.page_link(
        "pages/models.py",
        label="Check it and put it into service on the page Models",
        icon=":material/arrow_forward:",
        query_params={"model": reference},
    )
    card.show(bundle)
    with st.expander("On the command line", icon=":material/terminal:", key="model-commands"):
        st.code(f"har models show {reference}\nhar predict PHOTO.jpg --model {reference}", language="shell")
    if st.toggle("Try it", key=f"try-{reference}"):
        _try(bundle)


def _try(bundle: Bundle) -> None:
    """Photos, answered by this model."""
    try:
        predictor = page.predictor_of(bundle)
    except ModelError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    photos = photo_choice.some(f"try-{bundle.folder.name}")
    if photos:
        results.show(results.recognise_all(photos, predictor), predictor.labels)
