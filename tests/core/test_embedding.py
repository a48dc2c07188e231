from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import skimage.data

from har_core import embedding
from har_core.embedding import DIMENSIONS, Embedder
from har_core.errors import ModelError


@pytest.fixture(scope="module")
def embedder():
    return Embedder(threads=2)


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_photos_that_look_alike_lie_close_together(embedder):
    cat, coffee = skimage.data.cat(), skimage.data.coffee()
    mirrored = np.ascontiguousarray(cat[20:, ::-1])
    of_cat = embedder.embed(cat)
    assert of_cat.shape == (DIMENSIONS,)
    assert of_cat.dtype == np.float32
    assert 0 <= of_cat.min() < of_cat.max() <= 6
    assert cosine(of_cat, embedder.embed(mirrored)) > 0.8
    assert cosine(of_cat, embedder.embed(coffee)) < 0.5


def test_many_threads_get_the_embeddings_of_one(embedder):
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (60, 80, 3), np.uint8) for _ in range(24)]
    alone = [embedder.embed(photo) for photo in photos]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(embedder.embed, photos))
    assert np.array_equal(alone, together)
    assert len({row.tobytes() for row in together}) == len(photos)


@pytest.mark.parametrize("content", [None, b"", b"text"])
def test_a_missing_or_damaged_backbone_is_an_error_of_ours(tmp_path, monkeypatch, content):
    file = tmp_path / "backbone.tflite"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(embedding, "BACKBONE", file)
    with pytest.raises(ModelError, match=r"backbone\.tflite"):
        Embedder()
