"""Import: one form for each source; and what the page says when there is no dataset yet."""

from collections.abc import Callable

import streamlit as st

from har_core.errors import HarError
from har_ui.datasets import commands, job_panel
from har_ui.datasets.commands import Command
from har_ui.page import plain

_SOURCES = {
    "folder": ":material/folder: Class folders",
    "upload": ":material/upload: Upload a zip",
    "csv": ":material/table: CSV file",
    "kaggle": ":material/cloud_download: Kaggle HAR",
    "feedback": ":material/reviews: Feedback",
}
_ON_SERVER = (
    "A path on the machine that runs this app. Whoever can open this page can have any photo on that machine imported "
    "and shown; the app listens to this machine alone, unless it is started otherwise."
)
_NAME_HELP = "a–z, 0–9, - and _, at most 64 of them."
_SHOWN = "import-shown"


def show() -> None:
    """Draws the section."""
    source = st.segmented_control(
        "Source", list(_SOURCES), default="folder", required=True, format_func=_SOURCES.__getitem__, key="import-source"
    )
    with st.form("import"):
        command = _FORMS[source]()
        asked = st.form_submit_button(
            "Import", type="primary", icon=":material/download:", disabled=job_panel.is_busy()
        )
    if asked:
        try:
            ready = command()
        except HarError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            job_panel.begin(ready)


def show_empty() -> None:
    """What a dataset is, and two ways to get one."""
    st.markdown(
        "A dataset is a list of photos with labels: which photo shows which action.  \n"
        "An import reads every photo once, measures it, and says what cannot be used; your files stay as they are.  \n"
        "Then a check looks for wrong labels and duplicates, you decide, and a model can be trained on what remains."
    )
    busy = job_panel.is_busy()
    with st.container(horizontal=True):
        if st.button(
            "Download the reference set (Kaggle HAR, ~ 300 MB)",
            icon=":material/cloud_download:",
            type="primary",
            disabled=busy,
        ):
            job_panel.begin(commands.import_kaggle_har("", commands.REFERENCE_NAME))
        if st.button("Import a folder", icon=":material/folder:", disabled=busy):
            st.session_state[_SHOWN] = True
    st.page_link(
        "pages/own_actions.py",
        label="No photos yet? See My own actions",
        icon=":material/school:",
    )
    if st.session_state.get(_SHOWN):
        show()


def _folder() -> Callable[[], Command]:
    st.markdown(
        "A folder of class folders: the label of `cycling/1.jpg` is *cycling*. Folders `train`, `val` and `test` above "
        "them give the split."
    )
    path = st.text_input("Folder, or zip file", placeholder="/home/me/photos", help=_ON_SERVER)
    name = _name()
    return lambda: commands.import_folder(path, name)


def _upload() -> Callable[[], Command]:
    st.markdown(
        "A zip of class folders: the label of `cycling/1.jpg` is *cycling*. Its photos are kept with the dataset."
    )
    upload = st.file_uploader("Zip of class folders", type="zip")
    name = _name()
    return lambda: commands.import_upload(upload, name)


def _csv() -> Callable[[], Command]:
    st.markdown(
        "A CSV file with the columns `path` and `label`; `source`, `group` (photos of one scene) and `split` where "
        "there are such. Paths in it are relative to its folder."
    )
    path = st.text_input("CSV file", placeholder="/home/me/photos/labels.csv", help=_ON_SERVER)
    roots = st.text_area(
        "Other folders, one a line (optional)",
        placeholder="flickr=/home/me/flickr",
        height=70,
        help="SOURCE=FOLDER: the paths of that source are relative to this folder instead.",
    )
    name = _name()
    return lambda: commands.import_csv(path, roots, name)


def _kaggle() -> Callable[[], Command]:
    st.markdown(
        "Kaggle's *Human Action Recognition (HAR)* set, about 300 MB: 12,600 labelled photos of 15 actions and 5,400 "
        "without labels. Leave the path empty to have it downloaded."
    )
    path = st.text_input("Folder or zip of the set (optional)", help=_ON_SERVER)
    name = _name(commands.REFERENCE_NAME)
    return lambda: commands.import_kaggle_har(path, name)


def _feedback() -> Callable[[], Command]:
    st.markdown(
        "What people said of answers and was accepted on the page *Feedback*. The photos move into the new dataset; "
        "there they can be added to one that is there, too."
    )
    name = _name("feedback")
    return lambda: commands.import_feedback(name)


def _name(default: str = "") -> str:
    return str(st.text_input("Name of the new dataset", default, placeholder="my-photos", help=_NAME_HELP)).strip()


_FORMS: dict[str, Callable[[], Callable[[], Command]]] = {
    "folder": _folder,
    "upload": _upload,
    "csv": _csv,
    "kaggle": _kaggle,
    "feedback": _feedback,
}
