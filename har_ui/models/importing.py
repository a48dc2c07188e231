"""Import: a model from a zip, verified before it is kept."""

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from har_core import transfer
from har_core.bundle import Bundle
from har_core.errors import HarError
from har_ui import next_run
from har_ui.models import actions
from har_ui.page import plain
from training import registry


def show() -> None:
    """Draws the section."""
    st.markdown(
        "A model that was exported elsewhere, as the zip that came of it. Before it is kept, each of its files is "
        "compared with its SHA-256, and it has to give its golden answers here. A zip with any other file in it, "
        "with a link, or with a network that holds code is refused. It answers for nobody until it is put into service."
    )
    with st.form("import-model", clear_on_submit=True):
        upload = st.file_uploader("Zip of a model", type="zip")
        asked = st.form_submit_button("Import", type="primary", icon=":material/upload:")
    if not asked:
        return
    if upload is None:
        st.error("Choose a zip file first.", icon=":material/folder_zip:")
        return
    try:
        with st.spinner("Verifying …"):
            model = _unpacked(upload.getbuffer())
    except HarError as error:
        st.error(f"**{plain(upload.name)}** was not imported. {plain(str(error))}", icon=":material/block:")
    else:
        registry.mirror_soon()
        next_run.say(f"{plain(model.reference)} is here, verified. It is not in service.")
        actions.open_model(model.reference)
        st.rerun()


def _unpacked(content: memoryview) -> Bundle:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        path.write_bytes(content)
        return transfer.unpack_zip(path)
