"""The backbone that ships for embeddings."""

import numpy as np
import skimage.data

from har_core import images
from har_core.embedding import BACKBONE, Embedder
from har_core.litert import Network
from training.backbones import efficientnet_lite, export

PHOTOS = (skimage.data.coffee, skimage.data.cat, skimage.data.astronaut, skimage.data.rocket)


def cosines(ours, theirs):
    return (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)


def test_the_shipped_backbone_embeds_as_the_pretrained_keras_network_does():
    photos = np.stack([images.resize(np.asarray(photo()), 224) for photo in PHOTOS])
    maps = efficientnet_lite.pretrained("efficientnet_lite0").predict(photos.astype(np.float32), verbose=0)
    embedder = Embedder(threads=1)
    assert embedder.input_size == 224
    found = np.stack([embedder.embed(photo) for photo in photos])
    assert cosines(found, maps.mean(axis=(1, 2))).min() >= 0.999


def test_an_export_gives_the_network_that_ships():
    content = export.to_tflite(export.embedder("efficientnet_lite0"))
    assert 6_000_000 < len(content) < 7_500_000, "weights are in float16"
    photo = images.resize(np.asarray(skimage.data.cat()), 224)
    ours, shipped = (Network(data, 1).run(photo)["embedding"] for data in (content, BACKBONE.read_bytes()))
    assert np.allclose(ours, shipped, atol=1e-4)
