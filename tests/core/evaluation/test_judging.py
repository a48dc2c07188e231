"""A model asked about a dataset: the tiny one about even images, whose colours are their labels."""

import numpy as np
import pytest

from har_core.errors import DatasetError
from har_core.evaluation import judging, metrics
from tests.core.evaluation.conftest import COLOURS


def test_labelled_photos_of_the_split_are_judged(tiny, make):
    dataset = make("some", ("red", "red"), ("green", "green"), ("blue", "blue"), ("red", "blue"), ("grey", "red"))
    everything = judging.judge(tiny, dataset, None)
    assert everything.answers.truth.tolist() == [0, 1, 2, 2, 0]
    found = metrics.values(everything.answers)
    assert (found["accuracy"], found["sure_share"]) == (0.8, 0.8)
    assert judging.judge(tiny, dataset, "test").answers.truth.tolist() == [1, 2]
    assert metrics.values(judging.judge(tiny, dataset, "test").answers)["accuracy"] == 0.5


def test_probabilities_are_in_the_order_of_the_labels(tiny, make):
    found = judging.judge(tiny, make("one", ("green", "green")), None).answers
    image = np.full((20, 20, 3), COLOURS["green"], np.uint8)
    assert found.probabilities[0] == pytest.approx(tiny.probabilities(image))
    assert found.energy[0] == pytest.approx(tiny.predict(image).energy)


def test_what_cannot_be_judged_is_named_and_left_out(tiny, make, tmp_path):
    dataset = make("odd", ("red", "red"), ("green", "flying"), ("blue", ""), ("blue", "blue"), ("red", "red"))
    (tmp_path / "odd-3.png").write_bytes(b"spoilt")
    dataset.apply("exclude", [str(tmp_path / "odd-4.png")])
    judged = judging.judge(tiny, dataset, None)
    assert judged.answers.truth.tolist() == [0]
    assert judged.unknown == {"flying": 1}
    assert list(judged.unreadable) == [str(tmp_path / "odd-3.png")]
    assert judged.photos["path"].tolist() == [str(tmp_path / "odd-0.png")]
    assert (judged.model, judged.dataset, judged.split) == ("tiny@1", "odd", None)
    assert judged.fingerprint == dataset.fingerprint()


def test_what_a_model_cannot_be_judged_by_is_refused_in_words(tiny, make, tmp_path):
    dataset = make("odd", ("red", "red"), ("green", "flying"), ("blue", ""))
    for ask in (
        lambda split: judging.judge(tiny, dataset, split),
        lambda split: judging.kept(tiny.bundle, dataset, split),
        lambda split: judging.missing(tiny.bundle, dataset, split),
    ):
        with pytest.raises(DatasetError, match="no photo in the split train of odd that has a label"):
            ask("train")
        with pytest.raises(DatasetError, match=r"whose label tiny@1 knows\. It knows: red, green, blue"):
            ask("test")
    (tmp_path / "odd-0.png").unlink()
    with pytest.raises(DatasetError, match="no photo in the split val of odd that can be read"):
        judging.judge(tiny, dataset, "val")


def test_outliers_are_counted_and_told_apart_by_their_energy(tiny, make, tmp_path):
    answers = judging.judge(tiny, make("some", *[("red", "red")] * 6), None).answers
    strange = make("strange", ("grey", ""), ("grey", "odd"), ("red", ""), ("blue", ""))
    (tmp_path / "strange-3.png").write_bytes(b"spoilt")
    found, unreadable = judging.judge_outliers(tiny, answers, strange)
    assert list(unreadable) == [str(tmp_path / "strange-3.png")]
    assert (found.dataset, found.n) == ("strange", 3)
    assert found.unsure_share.value == pytest.approx(2 / 3, abs=1e-3)
    assert found.auroc.value == pytest.approx(5 / 6, abs=1e-3), "the red one has the energy of the others"
