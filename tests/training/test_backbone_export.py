"""The backbone that ships for embeddings."""

import numpy as np
import skimage.data

from har_core import images
from har_core.embedding import Embedder
from har_core.litert import Network
from training.backbones import efficientnet_lite, export, litert

PHOTOS = (skimage.data.coffee, skimage.data.cat, skimage.data.astronaut, skimage.data.rocket)


def cosines(ours, theirs):
    return (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)


def test_the_shipped_backbone_embeds_as_the_pretrained_keras_network_does():
    photos = np.stack([images.resize(np.asarray(photo()), 224) for photo in PHOTOS])
    maps = efficientnet_lite.pretrained("efficientnet_lite0").predict(photos.astype(np.float32), verbose=0)
    embedder = Embedder(threads=1)
    assert embedder.input_size == 224
    found = np.stack([embedder.embed(photo) for photo in photos])
    assert cosines(found, maps.mean(axis=(1, 2))).min() >= 0.97, "8 bits change little"


def test_an_export_computes_in_eight_bits_what_the_network_does():
    photos = np.stack([images.resize(np.asarray(photo()), 224) for photo in PHOTOS])
    model = export.embedder(efficientnet_lite.pretrained("efficientnet_lite0"))
    content = litert.convert(model, "int8", photos)
    assert 3_500_000 < len(content) < 4_500_000, "weights have 8 bits"
    network = Network(content, 1)
    found = np.stack([network.run(photo)["embedding"] for photo in photos])
    assert cosines(found, model.predict(photos, verbose=0)["embedding"]).min() >= 0.97
