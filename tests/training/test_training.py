"""Training, on the real backbone where its weights matter and on tiny networks elsewhere."""

import json
import pickle

import numpy as np
import pytest
import skimage.data
from PIL import Image
from pydantic import ValidationError

from har_core import bundle as bundles
from har_core import images
from har_core.config import PROJECT_ROOT
from har_core.datasets import ingest
from har_core.datasets.sources import table
from har_core.datasets.split import split_dataset
from har_core.errors import DatasetError
from har_core.predictor import Predictor
from tests.conftest import tiny_network
from training import export, inputs, network, recipe, run
from training.backbones import efficientnet_lite
from training.backbones.legacy_torch import load_state_dict
from training.recipe import FineTune, Recipe


def test_the_recipes_that_ship_are_valid():
    for path in (PROJECT_ROOT / "training" / "recipes").glob("*.toml"):
        assert recipe.load(path).name == path.stem


@pytest.mark.parametrize("text", ['name = "x"\nepochz = 3', 'name = "x"\n[finetune]\ncrop = 2', 'name = "../x"', ""])
def test_a_wrong_recipe_is_refused_by_field(tmp_path, text):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ValidationError):
        recipe.load(tmp_path / "r.toml")


@pytest.mark.parametrize("name", efficientnet_lite.VARIANTS)
def test_imagenet_weights_know_espresso_and_tabby(name):
    size = efficientnet_lite.VARIANTS[name].image_size
    photos = np.stack([images.resize(np.asarray(photo), size) for photo in (skimage.data.coffee(), skimage.data.cat())])
    features = efficientnet_lite.pretrained(name).predict(photos.astype(np.float32), verbose=0)
    kernel, bias = efficientnet_lite.imagenet_head(name)
    assert (features.mean(axis=(1, 2)) @ kernel + bias).argmax(axis=1).tolist() == [967, 285]


def test_a_weights_file_can_run_nothing(tmp_path):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(print))
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        load_state_dict(tmp_path / "evil.pth")


def test_the_served_network_gives_the_logits_of_the_trained_one():
    model = tiny_network()
    served = network.serving(model)
    photos = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    outputs = served.predict(photos, verbose=0)
    assert outputs["logits"] == pytest.approx(model.predict(photos.astype(np.float32), verbose=0), abs=1e-4)
    assert outputs["class_maps"].mean(axis=(1, 2)) == pytest.approx(outputs["logits"], abs=1e-4)
    assert export.to_tflite(model).find(b"TFL3") == 4


def test_augmentation_keeps_shape_range_and_targets():
    photos = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), np.uint8)
    targets = np.eye(10, dtype=np.float32)
    seen = []
    for batch, labels in inputs.batches(photos, targets, FineTune(batch_size=4), seed=0):
        assert batch.shape[1:] == (16, 16, 3)
        assert 0 <= batch.numpy().min() <= batch.numpy().max() <= 255
        seen += labels.numpy().argmax(axis=1).tolist()
    assert sorted(seen) == list(range(10))


def test_a_crop_of_the_whole_image_without_jitter_is_the_image_or_its_mirror():
    photos = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
    options = FineTune(batch_size=8, crop=1, jitter=0)
    ((batch, labels),) = inputs.batches(photos, np.eye(8, dtype=np.float32), options, seed=0)
    for found, number in zip(batch.numpy(), labels.numpy().argmax(axis=1), strict=True):
        wanted = photos[number].astype(np.float32)
        assert any(np.allclose(found, option, atol=0.1) for option in (wanted, wanted[:, ::-1]))


@pytest.fixture
def coloured_photos(tmp_path):
    """Ninety photos of noise over three colours, two to a scene, and one photo of a rare label: a dataset, split."""
    rng = np.random.default_rng(0)
    lines = ["path,label,group"]
    for number in range(91):
        label = ("red", "green", "blue")[number % 3] if number < 90 else "rare"
        pixels = rng.integers(0, 80, (48, 48, 3))
        pixels[..., number % 3] += 150
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{label},scene-{number // 6}-{label}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    dataset = ingest.ingest("coloured", table.read(tmp_path / "labels.csv"))
    split_dataset(dataset, val=0.2, test=0.2)
    return dataset


def test_training_learns_and_leaves_a_sound_bundle(coloured_photos, tmp_path):
    plan = Recipe(name="colours", image_size=64, finetune=FineTune(epochs=1, batch_size=16))
    bundle = run.train(plan, coloured_photos, tmp_path / "models")
    assert bundle.folder == tmp_path / "models" / "colours@1"
    assert bundle.info.labels == ["blue", "green", "red"], "a label with one photo is left out"
    assert bundle.info.evaluation.metrics["accuracy"].value > 0.9
    assert bundle.info.evaluation.n == bundle.info.dataset["test"]
    bundle.verify_files()
    predictor = Predictor(bundle, 1)
    assert bundles.verify_golden(bundle, predictor.probabilities) < 1e-4
    card = (bundle.folder / bundles.CARD).read_text()
    assert "| blue | 30 |" in card
    assert json.loads((bundle.folder / bundles.INFO).read_text())["recipe"]["backbone"] == "efficientnet_lite0"
    with pytest.raises(FileExistsError):
        run.train(plan, coloured_photos, tmp_path / "models")


def test_two_labels_can_be_learnt(coloured_photos, tmp_path):
    plan = Recipe(name="two", image_size=64, finetune=FineTune(epochs=0))
    photos = coloured_photos.base()
    coloured_photos.apply("exclude", list(photos.loc[photos["label"] == "green", "path"]))
    bundle = run.train(plan, coloured_photos, tmp_path)
    assert bundle.info.evaluation.metrics["accuracy"].value > 0.9


def test_a_label_from_one_scene_is_named_before_anything_is_trained(coloured_photos, tmp_path):
    photos = coloured_photos.base()
    coloured_photos.set_split(photos["split"].mask(photos["label"] == "blue", "train"))
    with pytest.raises(DatasetError, match="blue"):
        run.train(Recipe(name="x"), coloured_photos, tmp_path)


def test_a_photo_that_has_become_unreadable_is_named(coloured_photos, tmp_path):
    (tmp_path / "7.png").write_bytes(b"text")
    with pytest.raises(DatasetError, match=r"7\.png"):
        run.train(Recipe(name="x"), coloured_photos, tmp_path / "models")


def test_the_same_seed_gives_the_same_batches():
    photos = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), np.uint8)

    def batches():
        return [batch.numpy() for batch, _ in inputs.batches(photos, np.eye(10), FineTune(batch_size=4), seed=3)]

    for one, other in zip(batches(), batches(), strict=True):
        assert np.array_equal(one, other)


def test_the_shipped_bundle_fits_its_limit():
    for folder in (PROJECT_ROOT / "models").glob("*@*"):
        assert sum(path.stat().st_size for path in folder.iterdir()) < 40_000_000
