"""How every page begins: the browser tab, the mark, and the menu.

The menu is drawn here rather than by ``st.navigation``: where there is a folder ``pages``, Streamlit runs the first
page that a new server is asked for without the main script, so whoever came by a link would see no menu.
"""

import streamlit as st
from PIL import Image

from har_ui.page import ASSETS

SECTIONS = {
    "": [("Home.py", "Home", "home")],
    "Recognise": [
        ("pages/photos.py", "Photos", "photo_library"),
        ("pages/webcam.py", "Webcam", "photo_camera"),
        ("pages/video.py", "Video", "movie"),
    ],
    "Build models": [
        ("pages/own_actions.py", "My own actions", "school"),
        ("pages/dataset.py", "Dataset", "photo_album"),
        ("pages/training.py", "Training", "model_training"),
        ("pages/evaluation.py", "Evaluation", "query_stats"),
        ("pages/models.py", "Models", "deployed_code"),
        ("pages/feedback.py", "Feedback", "thumbs_up_down"),
    ],
}
"""Heading → pages, in the order of what people do: file, name, icon."""


def begin(title: str) -> None:
    """Sets the browser tab's title, the mark and the layout, and draws the menu; must be a page's first call.

    Args:
        title: The page's name in the menu.
    """
    mark = Image.open(ASSETS / "mark.png")
    st.set_page_config(page_title=f"{title} · Human Action Recognizer", page_icon=mark, layout="wide")
    st.logo(mark, size="large")
    with st.sidebar:
        st.html(ASSETS / "app.css")
        for section, pages in SECTIONS.items():
            with st.container(gap="xsmall"):
                if section:
                    st.caption(section)
                for path, name, icon in pages:
                    st.page_link(path, label=name, icon=f":material/{icon}:")
