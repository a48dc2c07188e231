from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import typer

from har_core.datasets import duplicates
from har_core.errors import DatasetError, RecipeInvalid
from har_core.evaluation import metrics
from training import crossvalidation
from training.recipe import Recipe
from training.selection import Part, select

pytestmark = pytest.mark.usefixtures("small_backbone")

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
    assert metrics.values(found.judged(0.9))["accuracy"] > 0.9
    assert (found.logits.argmax(axis=1) == found.truth).mean() > 0.9
    crossvalidation.cross_validate(coloured_photos, Recipe(image_size=64, seed=1), 3)
    assert folds_trained[4:] == [0, 1, 2], "another recipe has results of its own"


def test_a_fold_is_judged_by_the_temperature_and_the_bars_of_the_others():
    rng = np.random.default_rng(0)
    truth, folds = rng.integers(0, 3, 300), np.arange(300) % 2
    logits = np.eye(3, dtype=np.float32)[truth] * 2 + rng.normal(0, 1, (300, 3)).astype(np.float32)
    logits[folds == 0] *= 10
    found = crossvalidation.OutOfFold(np.arange(300), truth, logits, logits, folds).judged(0.9)
    confidence = found.probabilities.max(axis=1)
    assert confidence[folds == 0].mean() > 0.98, "much too sure: it was not scaled by its own temperature"
    assert confidence[folds == 1].mean() < 0.6
    assert found.sure[folds == 0].mean() > 0.9
    assert not found.sure[folds == 1].any(), "its energies are far below those of the other fold"


def test_a_label_of_a_single_scene_cannot_be_dealt_into_folds(coloured_photos):
    selection = select(coloured_photos, 12)
    scenes, first = duplicates.clusters(coloured_photos.manifest()), selection.parts["train"]
    one_scene = (first.truth != 0) | (scenes[first.rows] == scenes[first.rows[first.truth == 0][0]])
    others = selection.parts["val"].truth != 0
    parts = {
        name: Part(part.rows[kept], part.truth[kept])
        for (name, part), kept in zip(
            [("train", first), ("val", selection.parts["val"])], (one_scene, others), strict=True
        )
    }
    with pytest.raises(DatasetError, match="All photos of blue show too few scenes"):
        list(crossvalidation.folds(coloured_photos, replace(selection, parts=parts), 3))


def test_more_folds_cannot_be_judged_than_there_are(coloured_photos, folds_trained):
    assert len(crossvalidation.cross_validate(coloured_photos, RECIPE, 2, judged=7).rows) > 0
    assert folds_trained == [0, 1]


def test_folds_are_not_judged_by_a_network_that_knows_them(coloured_photos, monkeypatch, tiny_bundle):
    info = tiny_bundle.info.model_copy(update={"dataset": {"name": coloured_photos.name}})
    monkeypatch.setattr(crossvalidation.starts, "model", lambda _: SimpleNamespace(info=info))
    with pytest.raises(RecipeInvalid, match="has learnt from photos of coloured"):
        crossvalidation.cross_validate(coloured_photos, RECIPE.model_copy(update={"start": "tiny"}), 3)


def test_what_is_not_there_is_said_in_words(capsys):
    for arguments in (["nonsense", "nothing"], ["quick", "nothing"]):
        with pytest.raises(typer.Exit):
            crossvalidation.main(*arguments)
        assert capsys.readouterr().err.startswith("There is no")
