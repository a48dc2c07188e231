"""Upload photos, see what is being done in them."""

import streamlit as st

from har_ui import menu, page, photo_choice, results

menu.begin("Photos")
st.title("Photos")
predictor = page.choose_predictor()
photos = photo_choice.some("photos")
if photos:
    results.show(results.recognise_all(photos, predictor), predictor.labels)
else:
    st.info(
        "Each photo gets an action, its probability, and whether the model is sure; many get a summary and a table to "
        "download, too.",
        icon=":material/lightbulb:",
    )
    with st.container(border=True):
        page.actions_known(predictor.labels)
