"""What pages share: the model that answers, and how names are shown."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from har_core import serving
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT, settings
from har_core.errors import ModelError
from har_core.images import SUFFIXES
from har_core.labels import label_text
from har_core.live import LivePredictor
from har_core.predictor import Decision, Predictor
from har_ui import terms

ASSETS = PROJECT_ROOT / "har_ui" / "assets"
UPLOAD_TYPES = sorted(suffix.lstrip(".") for suffix in SUFFIXES)

_MODELS_HELD = 3
_CHOICE = "model"
_FOLLOWED = "model-in-service"


def predictor_of(bundle: Bundle) -> Predictor:
    """A model, loaded; kept for a while, for all visitors.

    Raises:
        BundleBroken: Its network cannot be loaded.
    """
    return _loaded(str(bundle.folder), bundle.digest)


@st.cache_resource(max_entries=_MODELS_HELD, show_spinner="Loading the model …")
def _loaded(folder: str, digest: str) -> Predictor:
    del digest  # It is here to be part of the cache's key.
    return Predictor(Bundle(Path(folder)))


@st.cache_resource(show_spinner="Loading the model …", on_release=LivePredictor.close)
def _live() -> LivePredictor:
    return LivePredictor()


def choose_predictor() -> Predictor:
    """The model that the visitor chose, on whatever page, among those that are offered; loaded once for all visitors.

    The one in service is followed: when another one is put into service, the next answer comes from that one, unless
    the visitor chose otherwise. Where the model cannot be loaded, the page says so and ends here.
    """
    return choose_source()()


def choose_source() -> Callable[[], Predictor]:
    """As ``choose_predictor``, for what lives longer than this run of the page: ask it anew for each answer."""
    try:
        names = serving.offered()
        chosen = _choose(names) if len(names) > 1 else names[0]
        if chosen == names[0]:
            live = _live()
            live.get()
            return live.get
        predictor = predictor_of(serving.find(chosen))
        return lambda: predictor
    except ModelError as error:
        st.error(
            f"There is no model to answer with. {plain(str(error))}\n\n"
            "Put a bundle into `models/`, or set `HAR_MODEL` to one that is there (`har models list` names them).",
            icon=":material/error:",
        )
        st.stop()


def _choose(names: Sequence[str]) -> str:
    """Lets the visitor choose; as long as it is the one in service, the choice moves along with it."""
    in_service = names[0]
    chosen = st.session_state.get(_CHOICE)
    if chosen not in names or chosen == st.session_state.get(_FOLLOWED):
        st.session_state[_CHOICE] = in_service
    st.session_state[_FOLLOWED] = in_service
    return str(
        st.segmented_control(
            "Model",
            names,
            format_func=_offer,
            required=True,
            key=_CHOICE,
            persist_state="session",
            help=terms.MODEL,
        )
    )


def _offer(reference: str) -> str:
    """A model's name, and what it is about."""
    try:
        return f"{plain(label_text(reference).capitalize())} · {len(serving.find(reference).info.labels)} actions"
    except ModelError:  # Said in words by whoever asks it.
        return plain(reference)


def decision_badge(decision: Decision, text: str = "") -> str:
    """Whether an answer is sure, as a badge, in Markdown.

    Args:
        decision: Of the answer.
        text: What else it says, before the decision.
    """
    colour, icon = ("green", "check_circle") if decision == "sure" else ("orange", "help")
    words = " ".join(filter(None, (f":material/{icon}:", text, decision)))
    return f":{colour}-badge[{words}]"


def upload_megabytes() -> int:
    """The largest photo that an uploader takes, in megabytes."""
    return max(1, settings().max_image_bytes // 1_000_000)


def plain(text: str) -> str:
    """Escapes what Markdown would take for mark-up: names of files and labels are shown as they are."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+-.!|~$:" else letter for letter in text)


def actions_known(labels: Sequence[str]) -> None:
    """Draws which actions a model can name.

    Args:
        labels: Of the model.
    """
    st.markdown(f"{len(labels)} actions: " + " · ".join(plain(label_text(label)) for label in labels))
