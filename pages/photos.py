"""Upload photos, see what is being done in them."""

import streamlit as st

from har_core.images import FORMATS_FOR_PEOPLE
from har_ui import page, recognition, results
from har_ui.feedback import word

st.title("Photos")
predictor = page.choose_predictor()

uploads = st.file_uploader(
    "Drop one photo, or many",
    type=page.UPLOAD_TYPES,
    accept_multiple_files=True,
    max_upload_size=page.upload_megabytes(),
    help=f"{FORMATS_FOR_PEOPLE}. {word.what_is_kept()}",
)
photos = [recognition.Photo(file.name, file.getvalue()) for file in uploads]
if not photos:
    examples = {photo.name: photo for photo in recognition.examples()}
    chosen = st.pills(
        "No photo at hand? Try some of ours",
        list(examples),
        selection_mode="multi",
        format_func=lambda name: page.label_text(name.partition(".")[0]),
    )
    photos = [examples[name] for name in chosen]

if photos:
    results.show(results.recognise_all(photos, predictor), predictor.labels)
else:
    st.info(
        "Each photo gets a label, its probabilities, and whether the model is sure. "
        f"It knows {len(predictor.labels)} actions: "
        + ", ".join(page.plain(page.label_text(label)) for label in predictor.labels)
        + ".",
        icon=":material/lightbulb:",
    )
