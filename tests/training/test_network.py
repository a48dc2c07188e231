"""The network: its pretrained weights, the one that serves, and half precision."""

import pickle

import keras
import numpy as np
import pytest
import skimage.data

from har_core import images
from tests.conftest import tiny_network
from training import network
from training.backbones import efficientnet_lite
from training.backbones.legacy_torch import load_state_dict


@pytest.mark.parametrize("name", efficientnet_lite.VARIANTS)
def test_imagenet_weights_know_espresso_and_tabby(name):
    size = efficientnet_lite.VARIANTS[name].image_size
    photos = np.stack([images.resize(np.asarray(photo), size) for photo in (skimage.data.coffee(), skimage.data.cat())])
    features = np.asarray(efficientnet_lite.pretrained(name)(photos.astype(np.float32)))
    kernel, bias = efficientnet_lite.imagenet_head(name)
    assert (features.mean(axis=(1, 2)) @ kernel + bias).argmax(axis=1).tolist() == [967, 285]


def test_a_weights_file_can_run_nothing(tmp_path):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(print))
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        load_state_dict(tmp_path / "evil.pth")


def logits_of(model, photos):
    return np.asarray(model(photos.astype(np.float32)))


def test_the_served_network_gives_the_logits_of_the_trained_one():
    model, photos = tiny_network(), np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    outputs = {name: np.asarray(value) for name, value in network.serving(model)(photos).items()}
    assert outputs["logits"] == pytest.approx(logits_of(model, photos), abs=1e-4)
    assert outputs["class_maps"].mean(axis=(1, 2)) == pytest.approx(outputs["logits"], abs=1e-4)


def test_a_network_that_looks_both_ways_says_the_same_of_a_photo_and_its_mirror_image():
    model, photos = tiny_network(), np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    both, served = (photos, photos[:, :, ::-1]), network.serving(model, both_ways=True)
    there, back = ({name: np.asarray(value) for name, value in served(views).items()} for views in both)
    assert there["logits"] == pytest.approx(np.mean([logits_of(model, views) for views in both], axis=0), abs=1e-4)
    assert there["logits"] == pytest.approx(back["logits"], abs=1e-5)
    assert there["class_maps"] == pytest.approx(back["class_maps"][:, :, ::-1], abs=1e-5), (
        "where it looks is turned back"
    )


def test_half_precision_computes_nearly_the_same_and_keeps_the_statistics():
    keras.utils.set_random_seed(0)
    model = network.build("efficientnet_lite0", 64, 3, dropout=0.0)
    half = network.in_half_precision(model)
    photos = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.float32)
    found, wanted = np.asarray(half(photos, training=True)), logits_of(model, photos)
    assert found.dtype == np.float32
    assert found == pytest.approx(wanted, abs=0.2)
    assert not np.array_equal(found, wanted), "it was computed in less precision"
    for one, other in zip(model.get_weights(), half.get_weights(), strict=True):
        assert np.array_equal(one, other), "batch normalisation, too, is as it was"
