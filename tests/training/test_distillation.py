"""Teachers, the photos without a label that they answer for, and what is done to the answers in the end."""

import keras
import numpy as np
import pytest

from har_core.datasets import ingest
from har_core.datasets.sources import table
from tests.training.test_fit import Recorder
from training import distillation
from training.inputs import Examples
from training.recipe import Recipe
from training.runs import Progress
from training.selection import select, with_unlabelled
from training.trainer import Trainer, _TeacherWatcher
from training.watcher import Watcher

pytestmark = pytest.mark.usefixtures("small_backbone")

PLAN = {
    "image_size": 64,
    "phases": [{"epochs": 2, "train_share": 1}],
    "patience": 0,
    "regularization": {"dropout": 0.3},
    "distillation": {"teachers": 2},
}


def test_a_teacher_says_the_same_of_a_photo_and_its_mirror_image():
    one, other = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    said = distillation.answer(one, other)
    assert said.sum(axis=1) == pytest.approx(np.ones(5))
    assert np.array_equal(said, distillation.answer(other, one))


def test_labels_count_beside_what_teachers_say_and_the_rest_is_what_they_say():
    weights = np.array([0.5, 1.5], np.float32)
    labelled = Examples(np.zeros((4, 2, 2, 3), np.uint8), np.array([0, 2]), np.eye(2, dtype=np.float32), weights)
    answers = [np.array([[0.6, 0.4], [0.5, 0.5], [0.9, 0.1]], np.float32), np.full((3, 2), 0.5, np.float32)]
    found = distillation.distilled(labelled, np.array([3]), answers, share=0.2)
    assert found.rows.tolist() == [0, 2, 3]
    assert found.targets == pytest.approx(np.array([[0.91, 0.09], [0.1, 0.9], [0.7, 0.3]]))
    assert found.targets.dtype == np.float32
    assert found.weights.tolist() == [0.5, 1.5, 1]


def test_the_time_left_counts_in_what_is_still_to_come():
    told = Recorder()
    watcher = _TeacherWatcher(told, "teacher 1 of 2", to_come=2)
    half = Progress(done=0, total=10, what="fine-tuning", epoch=2, epochs=2, seconds_left=30)
    watcher.progress(half)
    watcher.progress(half.model_copy(update={"seconds_left": None}))
    assert [item.seconds_left for item in told.told] == [30 + 2 * 60, None]
    assert told.told[0].what == "teacher 1 of 2: fine-tuning"


@pytest.fixture
def partly_labelled(coloured_photos, tmp_path):
    """The coloured photos; two of each label have lost it: one shares its scene with a test photo, one is one."""
    listed = coloured_photos.manifest()
    listed.loc[listed["label"] == "rare", ["label", "split"]] = None
    train = listed[listed["split"] == "train"].groupby("label").head(2)
    listed.loc[train.index, ["label", "split"]] = None
    listed.loc[train.index[1], "split"] = "test"
    listed.loc[train.index[0], "group"] = listed.loc[listed["split"] == "test", "group"].iloc[0]
    listed["path"] = [path.rpartition("/")[2] for path in listed["path"]]
    listed[["path", "label", "group", "split"]].to_csv(tmp_path / "partly.csv", index=False)
    return ingest.ingest("partly", table.read(tmp_path / "partly.csv"))


def test_photos_without_a_label_are_taken_unless_their_scene_is_measured_on(partly_labelled):
    selection = select(partly_labelled, 3)
    assert len(selection.unlabelled) == 0
    found = with_unlabelled(selection, partly_labelled).unlabelled
    manifest = partly_labelled.manifest()
    assert manifest["label"][found].isna().all()
    assert len(found) == manifest["label"].isna().sum() - 2
    measured = manifest[manifest["split"].isin(["val", "test"])]
    assert not set(manifest["group"][found].dropna()) & set(measured["group"].dropna())


class Breaking(Watcher):
    """Breaks off in the second epoch of something."""

    def __init__(self, during):
        self._during = during

    def progress(self, progress):
        if progress.what.startswith(self._during) and progress.epoch == 2:
            raise KeyboardInterrupt


def trained(dataset, state_file, watcher):
    keras.utils.set_random_seed(0)
    selection = with_unlabelled(select(dataset, 3), dataset)
    model, _ = Trainer(Recipe.model_validate(PLAN), dataset, selection, state_file, watcher).train()
    return model.get_weights()


def test_the_network_learns_from_all_and_an_interrupted_teacher_changes_nothing(partly_labelled, tmp_path):
    straight = Recorder()
    weights = trained(partly_labelled, tmp_path / "a.npz", straight)
    taught = [item.what for item in straight.told if "teacher" in item.what]
    assert {what.partition(":")[0] for what in taught} == {"teacher 1 of 2", "teacher 2 of 2"}
    assert [epoch.epoch for epoch in straight.epochs] == [0, 1, 2], "the teachers' are not among them"
    selection = with_unlabelled(select(partly_labelled, 3), partly_labelled)
    assert straight.epochs[-1].photos == len(selection.parts["train"].rows) + len(selection.unlabelled)
    state = tmp_path / "b.npz"
    with pytest.raises(KeyboardInterrupt):
        trained(partly_labelled, state, Breaking("teacher 2 of 2: fine-tuning"))
    for one, other in zip(weights, trained(partly_labelled, state, Recorder()), strict=True):
        assert np.array_equal(one, other)


def test_what_was_learnt_of_frequencies_can_be_taken_back(partly_labelled, tmp_path):
    selection = select(partly_labelled, 3)

    def head(adjustment):
        plan = Recipe.model_validate(
            {"image_size": 64, "phases": [{"epochs": 1}], "regularization": {"logit_adjustment": adjustment}}
        )
        trainer = Trainer(plan, partly_labelled, selection, tmp_path / "state.npz", Watcher())
        model, _ = trainer.train(finish=adjustment > 0)
        return model.get_layer("head").get_weights()

    (kernel, bias), (same, adjusted) = head(0), head(0.5)
    assert np.array_equal(kernel, same)
    frequencies = np.bincount(selection.parts["train"].truth) / len(selection.parts["train"].truth)
    assert bias - adjusted == pytest.approx(0.5 * np.log(frequencies), abs=1e-5)
