import numpy as np
import pytest

from har_core.datasets import duplicates
from training import crossvalidation
from training.recipe import Recipe
from training.selection import select

RECIPE = Recipe(image_size=64)


def test_each_photo_is_judged_once_and_no_scene_is_on_both_sides(coloured_photos):
    selection = select(coloured_photos, 12)
    scenes = duplicates.clusters(coloured_photos.manifest())
    judged = []
    for fold in crossvalidation.folds(coloured_photos, selection, 3):
        train, val = fold.parts["train"], fold.parts["val"]
        assert not set(scenes[train.rows]) & set(scenes[val.rows])
        assert set(train.truth) == set(val.truth) == {0, 1, 2}
        judged.extend(val.rows)
    expected = np.concatenate([selection.parts[name].rows for name in ("train", "val")])
    assert sorted(judged) == sorted(expected), "the test split is not touched"


@pytest.fixture
def folds_trained(monkeypatch):
    trained = []
    train = crossvalidation._train_fold
    monkeypatch.setattr(crossvalidation, "_train_fold", lambda *args: trained.append(args[-1]) or train(*args))
    return trained


def test_a_fold_that_is_done_is_not_trained_again(coloured_photos, folds_trained):
    found = crossvalidation.cross_validate(coloured_photos, RECIPE, 3)
    (crossvalidation.place(coloured_photos, crossvalidation.as_validated(RECIPE), 3) / "fold-1.npz").unlink()
    again = crossvalidation.cross_validate(coloured_photos, RECIPE, 3)
    assert folds_trained == [0, 1, 2, 1]
    assert np.array_equal(found.logits, again.logits)
    assert not np.array_equal(found.logits, found.mirrored)
    assert found.both_ways().logits == pytest.approx((found.logits + found.mirrored) / 2)
    figures = found.figures(0.9)
    assert figures["accuracy"].value > 0.9
    assert figures["accuracy"].value == pytest.approx((found.logits.argmax(axis=1) == found.truth).mean(), abs=1e-4)
    crossvalidation.cross_validate(coloured_photos, Recipe(image_size=64, seed=1), 3)
    assert folds_trained[4:] == [0, 1, 2], "another recipe has results of its own"


def test_the_temperature_of_a_fold_comes_from_the_others():
    rng = np.random.default_rng(0)
    truth, folds = rng.integers(0, 3, 300), np.arange(300) % 2
    logits = np.eye(3, dtype=np.float32)[truth] * 2 + rng.normal(0, 1, (300, 3)).astype(np.float32)
    logits[folds == 0] *= 10
    found = crossvalidation.OutOfFold(np.arange(300), truth, logits, logits, folds).probabilities()
    confidence = found.max(axis=1)
    assert confidence[folds == 0].mean() > 0.98, "much too sure: it was not scaled by its own temperature"
    assert confidence[folds == 1].mean() < 0.6
