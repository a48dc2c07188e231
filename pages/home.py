"""The app's front door: what this is, which model answers and how good it is, and a first try."""

import streamlit as st

from har_core.bundle import BundleInfo
from har_ui import page, photo_choice, results
from har_ui.feedback import word

_TILE = 140


def figures(info: BundleInfo) -> None:
    """The headline figures of the model in service, with their intervals."""
    found = info.evaluation.metrics
    texts = {
        "accuracy": ("Accuracy", "Share of test photos whose best label was right."),
        "sure_share": ("Sure answers", "Share of test photos on which the model commits itself."),
        "sure_accuracy": ("When sure", "Accuracy among the answers that it calls sure."),
    }
    with st.grid(min_column_width=_TILE):
        st.metric("Actions it knows", len(info.labels), border=True, height="stretch")
        for name, (title, help_text) in texts.items():
            metric = found.get(name)
            if metric:
                st.metric(
                    title,
                    f"{metric.value:.0%}",
                    f"{metric.low:.0%} – {metric.high:.0%}",
                    delta_color="off",
                    delta_arrow="off",
                    border=True,
                    help=f"{help_text} Below: its 95 % interval.",
                )
    st.caption(
        f"Model **{page.plain(info.name)}**, version {info.version}. Measured on {info.evaluation.n} photos "
        "that it was not trained on."
    )
    st.page_link(
        "pages/models.py",
        label="Its card, and all other models",
        icon=":material/deployed_code:",
        query_params={"model": f"{info.name}@{info.version}"},
    )


st.title("What is this person doing?")
st.markdown(
    "Give it a photo of a person; it answers with the action — *cycling*, *eating*, *using laptop* — with an honest "
    "probability, and says **unsure** when it may well be wrong."
)
predictor = page.choose_predictor()

tried, text = st.columns([3, 2], gap="large")
with tried:
    st.subheader("Try it")
    photo = photo_choice.one("home")
    results.show(results.recognise_all([photo], predictor), predictor.labels)
with text:
    st.subheader("How good is it?")
    figures(predictor.bundle.info)
    st.page_link("pages/photos.py", label="Many photos at once", icon=":material/photo_library:")
    with st.expander("Which actions does it know?"):
        st.markdown(" · ".join(page.plain(page.label_text(label)) for label in predictor.labels))
    with st.expander("What happens to my photo?"):
        st.markdown(f"It is classified on the machine that runs this app. {word.what_is_kept()}")
