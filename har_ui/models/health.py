"""Whether a model's files are as they were written; looked at again only after one of them has changed."""

import streamlit as st

from har_core.bundle import INFO, Bundle
from har_core.errors import BundleBroken

Stamp = tuple[tuple[str, int, int], ...]


def complaint(model: Bundle) -> str:
    """What is wrong with a model's files, in a sentence; empty where nothing is."""
    try:
        files = [(name, (model.folder / name).stat()) for name in (INFO, *model.info.sha256)]
        return _complaint(model, tuple((name, file.st_mtime_ns, file.st_size) for name, file in files))
    except OSError as error:
        return f"{model.folder.name} cannot be read: {error.strerror}."


@st.cache_data(
    max_entries=200, show_spinner="Reading the models' files …", hash_funcs={Bundle: lambda model: model.digest}
)
def _complaint(model: Bundle, stamp: Stamp) -> str:
    del stamp  # It is here to be part of the cache's key.
    try:
        model.verify_files()
    except BundleBroken as error:
        return str(error)
    return ""
