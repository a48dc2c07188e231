"""The app's front door: what this is, which model answers and how good it is, and a first try."""

import streamlit as st

from har_core.bundle import BundleInfo
from har_ui import page, recognition, results


def figures(info: BundleInfo) -> None:
    """The headline figures of the model in service, with their intervals."""
    found = info.evaluation.metrics
    columns = st.columns(4)
    columns[0].metric("Actions it knows", len(info.labels), border=True)
    texts = {
        "accuracy": ("Accuracy", "Share of test photos whose best label was right."),
        "sure_share": ("Sure answers", "Share of test photos on which the model commits itself."),
        "sure_accuracy": ("Right when sure", "Accuracy among the answers that it calls sure."),
    }
    for column, (name, (title, help_text)) in zip(columns[1:], texts.items(), strict=True):
        if name in found:
            metric = found[name]
            column.metric(title, f"{metric.value:.0%}", border=True, help=help_text)
            column.caption(f"95 % interval {metric.low:.0%} – {metric.high:.0%}")
    st.caption(
        f"Model **{info.name}**, version {info.version}. Measured on {info.evaluation.n} photos "
        "that it was not trained on."
    )


page.begin("Home")
st.title("What is this person doing?")
st.markdown(
    "Give it a photo of a person; it answers with the action — *cycling*, *eating*, *using laptop* — with an honest "
    "probability, and says **unsure** when it may well be wrong."
)
predictor = page.predictor()

tried, text = st.columns([3, 2], gap="large")
with tried:
    st.subheader("Try it")
    examples = {photo.name: photo for photo in recognition.examples()}
    brought = st.file_uploader("Drop a photo here", type=page.UPLOAD_TYPES, key="home-upload")
    if brought:
        photo = recognition.Photo(brought.name, brought.getvalue())
    else:
        names = list(examples)
        chosen = st.pills(
            "… or take one of ours",
            names,
            default=names[0],
            format_func=lambda name: page.label_text(name.partition(".")[0]),
            key="home-example",
        )
        photo = examples[chosen or names[0]]
    results.show([recognition.recognise(photo, predictor)])
with text:
    st.subheader("How good is it?")
    figures(predictor.bundle.info)
    st.page_link("pages/1_Predict.py", label="Many photos at once", icon=":material/photo_library:")
    with st.expander("Which actions does it know?"):
        st.markdown(" · ".join(page.label_text(label) for label in predictor.labels))
    with st.expander("What happens to my photo?"):
        st.markdown("It is classified in memory on the machine that runs this app, and is not kept.")
