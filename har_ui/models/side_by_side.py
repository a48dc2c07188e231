"""Side by side: two models on one photo."""

from collections.abc import Sequence

import streamlit as st

from har_core import serving
from har_core.bundle import Bundle
from har_core.errors import ModelError
from har_core.labels import label_text
from har_core.predictor import Prediction
from har_ui import page, photo_choice, recognition, results
from har_ui.models import actions, listing, service
from har_ui.page import plain
from har_ui.recognition import Photo, Recognition


def show() -> None:
    """Draws the section."""
    models = {model.reference: model for model in serving.bundles()[0]}
    if not models:
        listing.say_none()
        return
    names = list(models)
    in_service = service.reference()
    first = names.index(in_service) if in_service in names else 0
    second = next((place for place in range(len(names)) if place != first), first)
    columns = st.columns(2, gap="medium")
    chosen = [
        models[_model(column, text, names, place, key)]
        for column, text, place, key in zip(
            columns, ("One model", "Another model"), (first, second), (actions.LEFT, actions.RIGHT), strict=True
        )
    ]
    photo = photo_choice.one("beside")
    looked = st.toggle("Where they looked", key="beside-heat")
    found = [_recognise(photo, model) for model in chosen]
    _agreement([item.prediction for item in found if isinstance(item, Recognition) and item.prediction])
    for number, (column, model, item) in enumerate(zip(st.columns(2, gap="medium"), chosen, found, strict=True)):
        with column.container(border=True, key=f"beside-{number}"):
            _one(model, item, looked, str(number))


def _model(column: st.delta_generator.DeltaGenerator, text: str, names: Sequence[str], place: int, key: str) -> str:
    index = 0 if key in st.session_state else place
    return str(column.selectbox(text, names, index=index, key=key, bind="query-params", persist_state="page"))


def _recognise(photo: Photo, model: Bundle) -> Recognition | ModelError:
    try:
        return recognition.recognise(photo, page.predictor_of(model))
    except ModelError as error:
        return error


def _agreement(found: Sequence[Prediction]) -> None:
    """Whether they say the same."""
    if len(found) < 2:
        return
    first, second = (f"“{plain(label_text(item.label))}” ({item.decision})" for item in found)
    if found[0].label == found[1].label:
        st.markdown(f":material/join_inner: Both say {first if first == second else f'{first} and {second}'}.")
    else:
        st.markdown(f":material/join: They differ: {first} and {second}.")


def _one(model: Bundle, item: Recognition | ModelError, looked: bool, key: str) -> None:
    """What one of the models says."""
    st.markdown(f"**{plain(model.reference)}** :gray[{len(model.info.labels)} labels]")
    if isinstance(item, ModelError):
        st.error(plain(str(item)), icon=":material/error:")
    elif item.prediction is None:
        st.error(f"**{plain(item.photo.name)}**: {plain(str(item.error))}", icon=":material/broken_image:")
    else:
        small = results.thumbnail(item.photo.payload)
        shown = recognition.overlay(small, item.prediction) if looked else small
        st.image(shown, width="stretch", alt=f"{item.photo.name}, where it looked" if looked else item.photo.name)
        results.answer(item.prediction, f"beside-{key}")
