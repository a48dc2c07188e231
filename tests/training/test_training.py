"""Training from a dataset to a bundle, in this process and on a network of few layers."""

import json

import numpy as np
import pytest

from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import Bundle
from har_core.config import settings
from har_core.datasets.split import split_dataset
from har_core.errors import ModelNotFound
from har_core.evaluation import leaks
from har_core.predictor import Predictor
from training import backbones, network, runs, tracking
from training.__main__ import main
from training.recipe import Recipe
from training.runs import Run, Trial

pytestmark = pytest.mark.usefixtures("small_backbone", "mlflow")

SMALL = {"image_size": 64, "precision": "float32"}
TUNED = SMALL | {"phases": [{"epochs": 1, "train_share": 1}]}


def trained(dataset, **changes):
    """A run that was trained in this process."""
    run = Run.create(Recipe.model_validate(changes), dataset.name)
    main(run)
    assert run.state() == "done", run.outcome()
    return run, Bundle(bundles.Path(run.outcome().bundle))


def test_a_head_is_learnt_and_leaves_a_sound_bundle(coloured_photos):
    run, bundle = trained(coloured_photos, **SMALL)
    assert bundle.folder == settings().home / "models" / "coloured@1"
    info = bundle.info
    assert info.labels == ["blue", "green", "red"], "a label with one photo is left out"
    assert info.evaluation.metrics["accuracy"].value > 0.9
    assert info.evaluation.n == info.dataset["test"]
    assert run.outcome().metrics == info.evaluation.metrics
    assert info.run == run.id
    bundle.verify_files()
    assert bundles.verify_golden(bundle, Predictor(bundle, 1).probabilities) < 1e-4
    card = (bundle.folder / bundles.CARD).read_text()
    assert "| blue | 30 |" in card
    assert info.evaluation.divided == []
    assert "none of which shares a scene with one that was trained on" in card
    assert "| float32 (serves) |" in card
    assert "har train bundle.json --dataset coloured" in card
    assert (bundle.folder / bundles.CALIBRATION).read_text().count("<svg") == 1
    assert json.loads((bundle.folder / bundles.INFO).read_text())["recipe"]["backbone"] == "efficientnet_lite0"
    assert [export.parity < 1e-3 for export in info.exports] == [True]
    photos = coloured_photos.manifest().query("label != 'rare' and split != 'test'")
    assert set(leaks.trained_on(bundle)["id"]) == set(photos["id"]), "what it has seen, but not what it is measured on"


def test_two_labels_can_be_learnt_and_no_bundle_is_overwritten(coloured_photos):
    before = settings().home / "models" / "coloured@1" / bundles.INFO
    before.parent.mkdir(parents=True)
    before.touch()
    photos = coloured_photos.base()
    coloured_photos.apply("exclude", list(photos.loc[photos["label"] == "green", "path"]))
    _, bundle = trained(coloured_photos, **SMALL)
    assert (bundle.info.version, bundle.info.labels) == (2, ["blue", "red"])
    assert bundle.info.evaluation.metrics["accuracy"].value > 0.9


def test_fine_tuning_learns_and_keeps_its_curves(coloured_photos):
    run, bundle = trained(coloured_photos, **SMALL, phases=[{"epochs": 1}, {"epochs": 1, "train_share": 1}])
    assert bundle.info.evaluation.metrics["accuracy"].value > 0.9
    assert [epoch.epoch for epoch in run.epochs()] == [0, 1, 2]
    assert set(run.epochs()[-1].recall) == {"blue", "green", "red"}
    assert {step.epoch for step in run.steps()} == {1, 2}
    assert not (run.folder / runs.CHECKPOINT).exists(), "nothing is left to go on from"


def test_a_network_has_teachers_and_serves_at_another_size(coloured_photos):
    photos = coloured_photos.manifest()
    one = photos[photos["split"] == "test"].iloc[0]
    coloured_photos.set_split(photos["split"].mask(photos.index == one.name, "train"))
    run, bundle = trained(coloured_photos, distillation={"teachers": 1}, serving_size=96, both_ways=True, **TUNED)
    assert bundle.info.evaluation.metrics["accuracy"].value > 0.9
    assert (bundle.info.dataset["unlabelled"], bundle.info.input_size) == (0, 96)
    card = (bundle.folder / bundles.CARD).read_text()
    assert "96 × 96 px (fine-tuned at 64)" in card
    assert "looking at each photo and its mirror image" in card
    assert "taught by a network of another seed" in card
    assert bundle.info.evaluation.divided == [one["label"]], "a scene of two photos was cut"
    assert f"for {one['label']}, some of them show scenes that it learnt from" in card
    assert not list(run.folder.glob("checkpoint*")), "nothing is left to go on from"


def test_a_trial_of_a_search_leaves_no_model_and_does_not_look_at_the_test_photos(coloured_photos):
    from mlflow import MlflowClient

    parent = tracking.begin_search("mine", {}, None)
    recipe = Recipe.model_validate(SMALL)
    run = Run.create(recipe, coloured_photos.name, Trial(search="mine", number=3, tracked_under=parent))
    assert main(run) == 0
    assert (run.id, run.state(), run.outcome().bundle, run.outcome().metrics) == ("mine-003", "done", None, {})
    assert not (settings().home / "models").exists()
    kept = MlflowClient(tracking.uri()).get_run(run.tracked_as)
    assert (kept.info.status, kept.data.tags["mlflow.parentRunId"]) == ("FINISHED", parent)
    assert kept.data.metrics["val_accuracy"] > 0.9
    assert not [name for name in kept.data.metrics if name.startswith("test_")]


def test_all_precisions_are_tried_and_the_cheapest_good_one_serves(coloured_photos):
    _, bundle = trained(coloured_photos, image_size=64, precision="auto")
    tried = {export.precision: export for export in bundle.info.exports}
    assert set(tried) == {"int8", "float16", "float32"}
    assert tried["int8"].size < tried["float16"].size < tried["float32"].size
    chosen = tried[bundle.info.precision]
    assert chosen.accuracy >= tried["float32"].accuracy - 0.005
    assert (bundle.folder / bundles.TFLITE).stat().st_size == chosen.size
    assert Predictor(bundle, 1).bundle.info.evaluation.metrics["accuracy"].value > 0.9


def test_half_precision_learns_and_serves_in_full(coloured_photos):
    _, bundle = trained(coloured_photos, **TUNED | {"optimizer": {"mixed_precision": True}})
    assert bundle.info.evaluation.metrics["accuracy"].value > 0.9


def test_training_starts_from_a_model_of_ours(coloured_photos):
    trained(coloured_photos, name="first", keep="last", **TUNED)
    _, second = trained(coloured_photos, name="second", start="first", **SMALL)
    bodies = [network.backbone_of(network.load(name, "efficientnet_lite0")) for name in ("first", "second")]
    for one, other in zip(*(body.get_weights() for body in bodies), strict=True):
        assert np.array_equal(one, other)
    pretrained = backbones.build("efficientnet_lite0", 64).get_weights()
    assert any(not np.array_equal(*pair) for pair in zip(pretrained, bodies[0].get_weights(), strict=True))
    assert second.info.recipe["start"] == "first@1", "what a name means may change"
    assert set(leaks.trained_on(second)["split"]) == {"train", "val"}
    assert "starting from the model first@1" in (second.folder / bundles.CARD).read_text()
    assert "has the backbone efficientnet_lite0" in failed(
        coloured_photos.name, start="first", backbone="efficientnet_lite1", **SMALL
    )
    with pytest.raises(ModelNotFound):
        Run.create(Recipe(start="nothing"), coloured_photos.name)
    split_dataset(coloured_photos, val=0.2, test=0.2, seed=1)
    assert "now meant for measuring" in failed(coloured_photos.name, start="first", **SMALL)


def test_outliers_are_measured(coloured_photos):
    _, bundle = trained(coloured_photos, outliers=coloured_photos.name, **SMALL)
    found = bundle.info.evaluation.outliers
    assert (found.dataset, found.n) == (coloured_photos.name, 91)
    assert bundle.info.thresholds.energy is not None
    assert "Of 91 photos that show nothing of the list" in (bundle.folder / bundles.CARD).read_text()
    assert "no dataset nothing" in failed(coloured_photos.name, outliers="nothing", **SMALL)


def test_a_trained_model_does_not_take_over_by_itself(coloured_photos):
    run, bundle = trained(coloured_photos, name="everyday", **SMALL)
    assert bundle.info.version > 1
    assert serving.find("everyday").info.version < bundle.info.version
    assert serving.find(f"everyday@{bundle.info.version}").info.run == run.id


def failed(dataset_name, **changes):
    run = Run.create(Recipe.model_validate(changes), dataset_name)
    assert main(run) == 1
    assert run.state() == "failed"
    return run.outcome().message


def test_what_cannot_be_trained_is_said_in_words(coloured_photos, tmp_path):
    assert "no dataset nothing" in failed("nothing")
    (tmp_path / "7.png").write_bytes(b"text")
    assert "7.png" in failed(coloured_photos.name, **SMALL)
    coloured_photos.set_split(coloured_photos.base()["split"].mask(coloured_photos.base()["label"] == "blue", "train"))
    assert "blue" in failed(coloured_photos.name, **SMALL)


def test_a_full_disk_is_said_in_words_and_the_run_can_be_resumed(coloured_photos, small_disk):
    home = settings().home
    (home / "models").mkdir(parents=True, exist_ok=True)
    (home / "models").rmdir()
    (home / "models").symlink_to(small_disk)
    (small_disk / "others").write_bytes(bytes(8 * 2**20 - 64 * 2**10))
    message = failed(coloured_photos.name, **SMALL)
    assert "disk is full" in message
    assert "resume" in message
    assert not list(small_disk.glob("*@*")), "no half a bundle"
