"""How every page begins."""

import streamlit as st
from PIL import Image

from har_core import serving
from har_core.config import PROJECT_ROOT, settings
from har_core.errors import ModelError
from har_core.images import SUFFIXES
from har_core.predictor import Predictor

ASSETS = PROJECT_ROOT / "har_ui" / "assets"
UPLOAD_TYPES = sorted(suffix.lstrip(".") for suffix in SUFFIXES)


def begin(title: str) -> None:
    """Sets the browser tab's title, the mark and the layout; must be the page's first call."""
    mark = Image.open(ASSETS / "mark.png")
    st.set_page_config(page_title=f"{title} · Human Action Recognizer", page_icon=mark, layout="wide")
    st.logo(mark, size="large")
    st.html("<style>.stMainBlockContainer { padding-top: 3.5rem; }</style>")


@st.cache_resource(show_spinner=False)
def _predictor(reference: str) -> Predictor:
    return Predictor(serving.find(reference))


def choose_predictor() -> Predictor:
    """The model that the visitor chose, on whatever page, among those that ship; loaded once for all visitors.

    Where it cannot be loaded, the page says so and ends here.
    """
    names = serving.offered()
    chosen = names[0]
    if len(names) > 1:
        chosen = st.segmented_control(
            "Model", names, default=chosen, format_func=_offer, required=True, key="model", persist_state="session"
        )
    try:
        return _predictor(chosen)
    except ModelError as error:
        st.error(
            f"There is no model to answer with. {plain(str(error))}\n\n"
            "Put a bundle into `models/`, or set `HAR_MODEL` to one that is there (`har models list` names them).",
            icon=":material/error:",
        )
        st.stop()


def _offer(reference: str) -> str:
    """A model's name, and what it is about."""
    try:
        return f"{plain(label_text(reference).capitalize())} · {len(serving.find(reference).info.labels)} actions"
    except ModelError:  # Said in words by whoever asks it.
        return plain(reference)


def upload_megabytes() -> int:
    """The largest photo that an uploader takes, in megabytes."""
    return max(1, settings().max_image_bytes // 1_000_000)


def plain(text: str) -> str:
    """Escapes what Markdown would take for mark-up: names of files and labels are shown as they are."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+-.!|~$:" else letter for letter in text)


def label_text(label: str) -> str:
    """A label as people write it: ``using_laptop`` → "using laptop"."""
    return label.replace("_", " ")
