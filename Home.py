"""The app's front door: what this is, which model answers and how good it is, a first try, and where to go next."""

import os

import streamlit as st

from har_core.bundle import BundleInfo, Evaluation
from har_core.labels import label_text
from har_ui import figure_tile, menu, page, photo_choice, results, terms
from har_ui.feedback import word

_TILE, _CARD = 120, 230
_FIGURES = {"accuracy": "Accuracy", "sure_accuracy": "When sure", "sure_share": "Sure answers"}


def how_good(info: BundleInfo) -> None:
    """The headline figures of the model that answers, with their intervals."""
    st.header("How good is it?")
    with st.grid(min_column_width=_TILE, gap="small"):
        for name, title in _FIGURES.items():
            metric = info.evaluation.metrics.get(name)
            if metric:
                figure_tile.show(
                    title, f"{metric.value:.0%}", f"{metric.low:.0%} – {metric.high:.0%}", terms.FIGURES[name]
                )
        st.metric("Actions it knows", len(info.labels), border=True, height="stretch")
    st.caption(
        f"Model **{page.plain(info.name)}**, version {info.version}, on {_tested_on(info.evaluation)}. Below each "
        "figure, its 95 % interval."
    )
    with st.expander("Which actions does it know?"):
        page.actions_known(info.labels)


def _tested_on(evaluation: Evaluation) -> str:
    if not evaluation.divided:
        return f"{evaluation.n} photos of scenes that it was not trained on"
    names = ", ".join(page.plain(label_text(label)) for label in evaluation.divided)
    return (
        f"{evaluation.n} photos that were kept apart; for {names}, some of them show scenes that it learnt from, so "
        "**the figures flatter**"
    )


def other_ways() -> None:
    """How else a photo comes here, and what happens to one."""
    _link("webcam", "Take one with the webcam", "photo_camera", camera="Snapshot")
    st.caption(word.what_is_kept())


def where_next() -> None:
    """Links, by what one wants to do."""
    st.header("Where next?")
    with st.grid(min_column_width=_CARD):
        with _card("image_search", "Recognise"):
            st.markdown("Photos by the dozen, what the camera sees, or a video cut into actions.")
            _link("photos", "Many photos at once", "photo_library")
            _link("webcam", "Webcam, live", "photo_camera", camera="Live")
            _link("video", "A video", "movie")
        with _card("school", "Teach your own actions"):
            st.markdown("Name them, bring some photos of each, and have a model of your own in minutes.")
            _link("own_actions", "My own actions", "school")
            _link("training", "Train with more say", "model_training")
        with _card("query_stats", "Judge and put in service"):
            st.markdown("See where a model errs, set two side by side, and choose the one that answers.")
            _link("evaluation", "Judge a model", "query_stats")
            _link("models", "All models", "deployed_code")
    with _card("api", "Use it from programs"):
        port = os.environ.get("HAR_API_PORT", "8000")
        st.code(f"curl -F image=@photo.jpg http://localhost:{port}/api/v1/predictions", language=None, wrap_lines=True)
        st.caption("`make run` starts the API beside this app. Where it runs elsewhere, ask for its address and a key.")


def _card(icon: str, title: str) -> st.delta_generator.DeltaGenerator:
    card = st.container(border=True, height="stretch", gap="small")
    card.markdown(f"### :material/{icon}: {title}")
    return card


def _link(name: str, text: str, icon: str, **query: str) -> None:
    st.page_link(f"pages/{name}.py", label=text, icon=f":material/{icon}:", query_params=query or None)


menu.begin("Home")
st.title("What is this person doing?")
st.markdown(
    "**Human Action Recognizer** names the action in a photo, says how probable it is, and admits when it is *unsure*."
)
predictor = page.choose_predictor()
photo = photo_choice.one("home", other_ways)
tried, judged = st.columns([3, 2], gap="medium")
with tried:
    results.show(results.recognise_all([photo], predictor), predictor.labels)
with judged:
    how_good(predictor.bundle.info)
where_next()
