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
def _predictor(reference: str | None) -> Predictor:
    return Predictor(serving.find(reference))


def predictor(reference: str | None = None) -> Predictor:
    """The model, loaded once for all visitors; where it can't be, the page says so and ends here."""
    try:
        return _predictor(reference)
    except ModelError as error:
        st.error(
            f"There is no model to answer with. {plain(str(error))}\n\n"
            "Put a bundle into `models/`, or set `HAR_MODEL` to one that is there (`har models list` names them).",
            icon=":material/error:",
        )
        st.stop()


def upload_megabytes() -> int:
    """The largest photo that an uploader takes, in megabytes."""
    return max(1, settings().max_image_bytes // 1_000_000)


def plain(text: str) -> str:
    """Escapes what Markdown would take for mark-up: names of files and labels are shown as they are."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+-.!|~$:" else letter for letter in text)


def label_text(label: str) -> str:
    """A label as people write it: ``using_laptop`` → "using laptop"."""
    return label.replace("_", " ")
