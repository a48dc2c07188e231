"""The model that a run made: where it is kept, its card, and a first try of it."""

import base64

import streamlit as st

from har_core import bundle as bundles
from har_core import serving
from har_core.errors import ModelError
from har_core.predictor import Predictor
from har_ui import page, recognition, results
from har_ui.page import label_text, plain

_MODELS_HELD = 2
_PLOT_WIDTH = 420


def show(reference: str) -> None:
    """Draws the model.

    Args:
        reference: ``NAME@VERSION``.
    """
    try:
        bundle = serving.find(reference)
        card = bundle.read(bundles.CARD).decode("utf-8", "replace")
        plot = bundle.read(bundles.CALIBRATION) if bundles.CALIBRATION in bundle.info.sha256 else None
    except ModelError as error:
        st.warning(f"The model {plain(reference)} is not there any more. {plain(str(error))}", icon=":material/error:")
        return
    st.markdown(
        f":material/inventory_2: Kept for review as **{plain(reference)}**. It does not answer for the app until it is "
        "chosen to."
    )
    with st.expander("Model card", icon=":material/description:", key="card"):
        st.markdown(_harmless(card))
        if plot:
            # As data: of text that only claims to be a picture, a browser could be made to load something.
            st.image(f"data:image/svg+xml;base64,{base64.b64encode(plot).decode()}", width=_PLOT_WIDTH)
        st.download_button(
            "Download the card",
            card,
            f"{reference}.md",
            "text/markdown",
            icon=":material/download:",
            on_click="ignore",
            key="card-file",
        )
    with st.expander("On the command line", icon=":material/terminal:", key="model-commands"):
        st.code(f"har models show {reference}\nhar predict PHOTO.jpg --model {reference}", language="shell")
    if st.toggle("Try it", key=f"try-{reference}"):
        _try(reference)


def _try(reference: str) -> None:
    """Photos, answered by this model."""
    try:
        predictor = _predictor(reference)
    except ModelError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    uploads = st.file_uploader(
        "Drop photos",
        type=page.UPLOAD_TYPES,
        accept_multiple_files=True,
        max_upload_size=page.upload_megabytes(),
        key=f"try-uploads-{reference}",
    )
    photos = [recognition.Photo(file.name, file.getvalue()) for file in uploads]
    if not photos:
        examples = {photo.name: photo for photo in recognition.examples()}
        chosen = st.pills(
            "… or take one of ours",
            list(examples),
            format_func=lambda name: label_text(name.partition(".")[0]),
            key=f"try-example-{reference}",
        )
        photos = [examples[chosen]] if chosen else []
    if photos:
        results.show(results.recognise_all(photos, predictor), predictor.labels)


@st.cache_resource(max_entries=_MODELS_HELD, show_spinner="Loading the model …")
def _predictor(reference: str) -> Predictor:
    return Predictor(serving.find(reference))


def _harmless(card: str) -> str:
    """A card with small headings, and without what could load a picture, link somewhere or become a formula.

    Its labels are foreign text. Its plot is shown apart.
    """
    lines = [line for line in card.splitlines() if not line.startswith("![")]
    small = "\n".join(f"###{line}" if line.startswith("#") else line for line in lines)
    return "".join(f"\\{letter}" if letter in "[]<$:" else letter for letter in small)
