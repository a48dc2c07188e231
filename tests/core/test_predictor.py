from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_core import explain
from har_core.bundle import Bundle
from har_core.predictor import Predictor


def plain(colour, shape=(48, 64)):
    return np.broadcast_to(np.asarray(colour, np.uint8), (*shape, 3)).copy()


@pytest.mark.parametrize(("colour", "label"), [((255, 0, 0), "red"), ((0, 255, 0), "green"), ((0, 0, 255), "blue")])
def test_the_label_is_what_the_image_shows(tiny, colour, label):
    found = tiny.predict(plain(colour))
    assert found.label == label
    assert found.decision == "sure"
    assert (found.model.name, found.model.version) == ("tiny", 1)


def test_an_even_image_is_unsure(tiny):
    found = tiny.predict(plain((120, 120, 120)))
    assert found.decision == "unsure"
    assert found.confidence == pytest.approx(1 / 3, abs=1e-3)


def test_a_photo_unlike_all_that_were_learnt_from_is_unsure_however_confident_the_answer(tiny_bundle):
    red = Predictor(tiny_bundle, 1).predict(plain((255, 0, 0)))
    assert (red.decision, red.is_familiar) == ("sure", True)
    for energy, decision in ((red.energy, "sure"), (red.energy + 0.1, "unsure")):
        bars = tiny_bundle.info.thresholds.model_copy(update={"energy": energy})
        (tiny_bundle.folder / "bundle.json").write_text(
            tiny_bundle.info.model_copy(update={"thresholds": bars}).model_dump_json()
        )
        found = Predictor(Bundle(tiny_bundle.folder), 1).predict(plain((255, 0, 0)))
        assert (found.decision, found.is_familiar) == (decision, decision == "sure")
        assert found.predictions == red.predictions


@settings(max_examples=25, deadline=None)
@given(colour=st.tuples(*[st.integers(0, 255)] * 3), top_k=st.integers(1, 9))
def test_scores_are_ordered_probabilities(tiny_session, colour, top_k):
    scores = [item.score for item in tiny_session.predict(plain(colour), top_k).predictions]
    assert len(scores) == min(top_k, 3)
    assert scores == sorted(scores, reverse=True)
    assert tiny_session.probabilities(plain(colour)).sum() == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def tiny_session(tiny_bundle_source):
    return Predictor(Bundle(tiny_bundle_source), threads=2)


def test_thirty_two_threads_get_the_answers_of_one(tiny_session):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(320)]
    alone = [tiny_session.probabilities(image) for image in images]
    with ThreadPoolExecutor(32) as pool:
        together = list(pool.map(tiny_session.probabilities, images))
    assert np.array_equal(alone, together)


def test_many_answers_are_those_of_one_by_one_in_order(tiny_session):
    images = [plain(colour) for colour in ((255, 0, 0), (0, 0, 255), (9, 200, 30))]
    many = tiny_session.predict_many(images)
    assert [item.to_dict() for item in many] == [tiny_session.predict(image).to_dict() for image in images]
    assert tiny_session.predict_many([]) == []


def test_logits_are_the_mean_of_the_class_maps(tiny_session):
    outputs = tiny_session._run(np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8))
    assert outputs.class_maps.mean(axis=(0, 1)) == pytest.approx(outputs.logits, abs=1e-4)


def test_the_heat_map_is_bright_where_the_evidence_is(tiny_session):
    image = plain((0, 0, 0), (32, 32))
    image[:16, :16] = (255, 0, 0)
    heat = explain.heat_map(tiny_session.predict(image).class_map)
    assert heat[:2, :2].min() > 0.9
    assert heat[2:, 2:].max() < 0.1


def test_overlay_keeps_the_size_and_survives_an_empty_map():
    image = plain((10, 20, 30))
    assert explain.overlay(image, np.zeros((4, 4), np.float32)).shape == image.shape
