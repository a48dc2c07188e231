"""A model is asked about a photo once, whatever becomes of its label and split."""

import os
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from har_core import bundle as bundles
from har_core.bundle import Thresholds
from har_core.datasets import cache
from har_core.errors import DatasetError
from har_core.evaluation import judging, kept, metrics
from har_core.predictor import Predictor

PAIRS = [("red", "red"), ("green", "green"), ("blue", "blue"), ("red", "blue"), ("grey", "red"), ("blue", "green")]


@pytest.fixture
def dataset(make):
    return make("some", *PAIRS)


@pytest.fixture
def asked(monkeypatch):
    """How often a model was asked."""
    calls = []
    predict = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", lambda self, *args: calls.append(1) or predict(self, *args))
    return calls


def accuracy(judged):
    return metrics.values(judged.answers)["accuracy"]


def test_nothing_is_asked_twice_whatever_becomes_of_labels_and_splits(tiny, dataset, asked):
    assert judging.missing(tiny.bundle, dataset, "val") == 3
    judging.judge(tiny, dataset, "val")
    assert (len(asked), judging.missing(tiny.bundle, dataset, "val")) == (3, 0)
    assert judging.missing(tiny.bundle, dataset, None) == 3
    before = judging.judge(tiny, dataset, None)
    assert (len(asked), accuracy(before)) == (6, pytest.approx(4 / 6))
    dataset.apply("relabel", dataset.base()["path"].iloc[[3]].tolist(), "red")
    dataset.set_split(pd.Series(["test"] * 6))
    after = judging.judge(tiny, dataset, "test")
    assert (len(asked), accuracy(after)) == (6, pytest.approx(5 / 6))
    assert after.fingerprint != before.fingerprint


def test_kept_answers_are_those_given_and_need_no_network(tiny, dataset):
    assert judging.kept(tiny.bundle, dataset, None) is None
    given = judging.judge(tiny, dataset, None)
    (tiny.bundle.folder / bundles.TFLITE).unlink()
    again = judging.kept(tiny.bundle, dataset, None)
    for name in ("probabilities", "truth", "sure", "energy"):
        left, right = getattr(given.answers, name), getattr(again.answers, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    photo = tiny.predict(np.asarray(Image.open(dataset.base()["path"].iloc[4])))
    assert again.answers.energy[4] == np.float32(photo.energy)
    assert again.answers.sure[4] == (photo.decision == "sure")


def test_photos_that_are_not_asked_for_need_not_be_there(tiny, dataset):
    judging.judge(tiny, dataset, "test")
    assert judging.kept(tiny.bundle, dataset, "test") is not None
    assert judging.kept(tiny.bundle, dataset, None) is None


def test_an_asking_that_is_interrupted_goes_on(tiny, dataset, asked):
    def stop(done, total, what):
        assert (total, what) == (6, "asking the model")
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judging.judge(tiny, dataset, None, stop)
    assert judging.missing(tiny.bundle, dataset, None) == 4
    asked.clear()
    told = []
    judging.judge(tiny, dataset, None, lambda done, *_: told.append(done))
    assert (len(asked), told) == (4, [2, 3, 4, 5, 6])


@pytest.mark.parametrize("spoil", [lambda content: content[:-40], lambda content: content[:0], lambda _: b"nothing"])
def test_damaged_answers_are_asked_for_again(tiny, dataset, asked, spoil):
    given = judging.judge(tiny, dataset, None)
    file = kept.file_of(tiny.bundle, dataset)
    file.write_bytes(spoil(file.read_bytes()))
    assert judging.kept(tiny.bundle, dataset, None) is None
    asked.clear()
    again = judging.judge(tiny, dataset, None)
    assert len(asked) == 6
    np.testing.assert_array_equal(again.answers.probabilities, given.answers.probabilities)


def test_a_flipped_bit_is_never_read_as_an_answer(tiny, dataset):
    given = judging.judge(tiny, dataset, None)
    file = kept.file_of(tiny.bundle, dataset)
    content = file.read_bytes()
    for place in range(4, len(content), 67):
        file.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        found = judging.kept(tiny.bundle, dataset, None)
        if found is not None:
            np.testing.assert_array_equal(found.answers.probabilities, given.answers.probabilities)


def test_an_answer_for_another_photo_does_not_count(tiny, dataset):
    judging.judge(tiny, dataset, None)
    file = kept.file_of(tiny.bundle, dataset)
    frame = pd.read_parquet(file)
    frame.loc[2, "id"] = "0" * 64
    frame.to_parquet(file)
    assert judging.missing(tiny.bundle, dataset, None) == 1


def test_a_photo_that_was_changed_since_it_was_imported_is_refused(tiny, dataset):
    path = dataset.base()["path"].iloc[0]
    Image.new("RGB", (20, 20), "green").save(path)
    judged = judging.judge(tiny, dataset, "val")
    assert len(judged.answers) == 2
    assert "was changed since it was imported" in judged.unreadable[path]
    assert judging.kept(tiny.bundle, dataset, "val").unreadable == judged.unreadable


def test_a_photo_that_could_not_be_read_is_tried_again(tiny, dataset, asked):
    path = dataset.base()["path"].iloc[0]
    os.rename(path, path + ".away")  # noqa: PTH104
    assert judging.judge(tiny, dataset, "val").unreadable == {path: "There is no such file."}
    os.rename(path + ".away", path)  # noqa: PTH104
    asked.clear()
    judged = judging.judge(tiny, dataset, "val")
    assert (len(asked), len(judged.answers), judged.unreadable) == (1, 3, {})


def test_answers_of_another_model_are_never_taken(tiny, dataset, rewritten):
    judging.judge(tiny, dataset, None)
    others = [
        rewritten(2),
        rewritten(3, temperature=2.0),
        rewritten(4, thresholds=Thresholds(confidence=0.5, precision=0.9)),
        rewritten(5, labels=["blue", "green", "red"]),
    ]
    files = {kept.file_of(bundle, dataset) for bundle in [tiny.bundle, *others]}
    assert len(files) == 5
    assert all(judging.kept(bundle, dataset, None) is None for bundle in others)


def test_answers_of_a_dataset_that_is_gone_are_thrown_away(tiny, dataset, make):
    other = make("other", ("red", "red"))
    judging.judge(tiny, dataset, None)
    judging.judge(tiny, other, None)
    cache.remove_stale({dataset.info.images_fingerprint})
    assert judging.kept(tiny.bundle, dataset, None) is not None
    assert judging.kept(tiny.bundle, other, None) is None


def test_answers_that_cannot_be_kept_are_named(tiny, dataset, home):
    home.mkdir(exist_ok=True)
    (home / "cache").write_text("in the way")
    with pytest.raises(DatasetError, match=r"cache .* cannot be written"):
        judging.judge(tiny, dataset, None)


def test_two_that_ask_at_once_ask_once(tiny, dataset, asked):
    from threading import Thread

    found = []
    threads = [Thread(target=lambda: found.append(judging.judge(tiny, dataset, None))) for _ in range(2)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert (len(asked), len(found)) == (6, 2)
    np.testing.assert_array_equal(found[0].answers.probabilities, found[1].answers.probabilities)
