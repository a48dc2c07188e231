"""The app: its menu, and what all pages have in common. ``streamlit run Home.py`` starts it."""

import streamlit as st
from PIL import Image

from har_ui.page import ASSETS

menu = st.navigation(
    {
        "": [st.Page("pages/home.py", title="Home", icon=":material/home:", default=True)],
        "Recognise": [
            st.Page("pages/photos.py", title="Photos", icon=":material/photo_library:"),
            st.Page("pages/webcam.py", title="Webcam", icon=":material/photo_camera:"),
            st.Page("pages/video.py", title="Video", icon=":material/movie:"),
        ],
        "Build models": [
            st.Page("pages/own_actions.py", title="My own actions", icon=":material/school:"),
            st.Page("pages/dataset.py", title="Dataset", icon=":material/photo_album:"),
            st.Page("pages/training.py", title="Training", icon=":material/model_training:"),
            st.Page("pages/evaluation.py", title="Evaluation", icon=":material/query_stats:"),
            st.Page("pages/models.py", title="Models", icon=":material/deployed_code:"),
            st.Page("pages/feedback.py", title="Feedback", icon=":material/thumbs_up_down:"),
        ],
    }
)
mark = Image.open(ASSETS / "mark.png")
st.set_page_config(page_title=f"{menu.title} · Human Action Recognizer", page_icon=mark, layout="wide")
st.logo(mark, size="large")
menu.run()
