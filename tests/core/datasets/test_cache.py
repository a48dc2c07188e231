"""Caches, on a dataset of thirty small photos."""

import io
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core import images
from har_core.datasets import arrays, cache, ingest, likeness
from har_core.datasets.sources import folder
from har_core.embedding import DIMENSIONS, Embedder
from har_core.errors import DatasetError, HarError, NotAnImage
from tests.core.datasets.conftest import scene

SIZE = 48


class Interrupted(Exception):
    pass


def interrupt_at(count):
    def progress(done, total, what):
        del total, what
        if done >= count:
            raise Interrupted

    return progress


@pytest.fixture
def decoded(monkeypatch):
    """The payloads that were decoded, in any order."""
    payloads, decode, lock = [], images.decode, threading.Lock()

    def counting(payload, min_side=0):
        with lock:
            payloads.append(payload)
        return decode(payload, min_side)

    monkeypatch.setattr(images, "decode", counting)
    monkeypatch.setattr(arrays, "_CHUNK", 8)
    return payloads


def expected(dataset, size=SIZE):
    paths = [Path(path) for path in dataset.base()["path"]]
    return np.stack([images.resize(images.decode(path.read_bytes(), min_side=size), size) for path in paths])


def files(home):
    return sorted(path.name for path in (home / "cache").rglob("*") if path.is_file())


def test_pixels_are_what_serving_sees_and_decoded_once(dataset, decoded):
    wanted = expected(dataset)
    decoded.clear()
    found = cache.pixels(dataset, SIZE)
    assert found.dtype == np.uint8
    assert np.array_equal(found, wanted)
    assert not found.flags.writeable
    assert len(decoded) == 30
    assert np.array_equal(cache.pixels(dataset, SIZE), wanted)
    assert len(decoded) == 30
    assert cache.pixels(dataset, 16).shape == (30, 16, 16, 3)


def test_progress_counts_up_to_all(dataset, monkeypatch):
    monkeypatch.setattr(arrays, "_CHUNK", 8)
    told = []
    cache.pixels(dataset, SIZE, progress=lambda done, total, _: told.append((done, total)))
    assert told == [(0, 30), (8, 30), (16, 30), (24, 30), (30, 30)]


def test_interrupted_work_goes_on_where_it_stopped(dataset, decoded, home):
    wanted = expected(dataset)
    decoded.clear()
    with pytest.raises(Interrupted):
        cache.pixels(dataset, SIZE, progress=interrupt_at(16))
    assert len(decoded) == 16
    assert not list((home / "cache" / "pixels").glob("*.npy"))
    assert np.array_equal(cache.pixels(dataset, SIZE), wanted)
    assert len(decoded) == 30
    assert not list((home / "cache" / "pixels").glob("*.part"))


_KILLED = """
import os, sys
from har_core.datasets import arrays, cache, store
arrays._CHUNK = 8
cache.pixels(store.load(sys.argv[1]), int(sys.argv[2]), progress=lambda done, *_: os._exit(9) if done >= 24 else None)
"""


def test_a_killed_process_loses_no_finished_chunk(dataset, decoded):
    wanted = expected(dataset)
    decoded.clear()
    command = [sys.executable, "-c", _KILLED, dataset.name, str(SIZE)]
    assert subprocess.run(command, check=False).returncode == 9
    assert np.array_equal(cache.pixels(dataset, SIZE), wanted)
    assert len(decoded) == 6


@pytest.mark.parametrize("suffix", [".part", ".json"])
@pytest.mark.parametrize("content", [b"", b"{}", None])
@pytest.mark.usefixtures("decoded")
def test_damaged_traces_of_interrupted_work_start_it_over(dataset, home, suffix, content):
    with pytest.raises(Interrupted):
        cache.pixels(dataset, SIZE, progress=interrupt_at(16))
    (trace,) = (home / "cache" / "pixels").glob(f"*{suffix}")
    if content is None:
        trace.unlink()
    else:
        trace.write_bytes(content)
    assert np.array_equal(cache.pixels(dataset, SIZE), expected(dataset))


def test_threads_that_want_the_same_pixels_share_the_work(dataset, decoded):
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: np.array(cache.pixels(dataset, SIZE)), range(6)))
    assert len(decoded) == 30
    assert all(np.array_equal(array, expected(dataset)) for array in found)


def test_an_unreadable_photo_is_zeros_named_and_tried_again(dataset):
    wanted = expected(dataset)
    missing, damaged = (Path(path) for path in dataset.base()["path"][[3, 17]])
    payloads = missing.read_bytes(), damaged.read_bytes()
    missing.unlink()
    damaged.write_bytes(b"text")
    found = np.array(cache.pixels(dataset, SIZE))
    assert not found[[3, 17]].any()
    readable = np.delete(np.arange(30), [3, 17])
    assert np.array_equal(found[readable], wanted[readable])
    why = cache.unreadable(dataset, SIZE)
    assert sorted(why) == [3, 17]
    assert "no such file" in why[3]

    missing.write_bytes(payloads[0])
    assert np.array_equal(cache.pixels(dataset, SIZE)[3], wanted[3])
    assert list(cache.unreadable(dataset, SIZE)) == [17]
    damaged.write_bytes(payloads[1])
    assert np.array_equal(cache.pixels(dataset, SIZE), wanted)
    assert cache.unreadable(dataset, SIZE) == {}


def test_embeddings_are_those_of_the_embedder(dataset):
    assert cache.cached_embeddings(dataset) is None
    with pytest.raises(Interrupted):
        cache.embeddings(dataset, progress=interrupt_at(0))
    assert cache.cached_embeddings(dataset) is None
    Path(dataset.base()["path"][5]).unlink()
    found = cache.embeddings(dataset)
    assert found.shape == (30, DIMENSIONS)
    assert found.dtype == np.float32
    embedder = Embedder(1)
    photo = images.decode(Path(dataset.base()["path"][2]).read_bytes(), min_side=embedder.input_size)
    assert found[2] == pytest.approx(embedder.embed(photo), abs=0.005)
    assert not found[5].any()
    assert list(cache.unreadable(dataset)) == [5]
    assert np.array_equal(cache.cached_embeddings(dataset), found)


def test_only_caches_of_datasets_that_are_gone_are_removed(dataset, tmp_path, home):
    (tmp_path / "two" / "a").mkdir(parents=True)
    for number in range(2):
        scene(100 + number).save(tmp_path / "two" / "a" / f"{number}.png")
    other = ingest.ingest("other", folder.read(tmp_path / "two"))
    cache.pixels(dataset, SIZE)
    before = files(home)
    cache.pixels(other, SIZE)
    cache.embeddings(other)
    likeness.layout(other)
    kept = dataset.info.images_fingerprint
    cache.remove_stale({kept, other.info.images_fingerprint})
    assert len(files(home)) > len(before)
    cache.remove_stale({kept})
    assert files(home) == before
    cache.remove_stale(set())
    assert files(home) == []


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(dataset, home):
    (home / "cache").write_text("in the way")
    with pytest.raises(DatasetError, match="cannot be written"):
        cache.pixels(dataset, SIZE)


def test_a_damaged_cache_is_named(dataset, home):
    cache.pixels(dataset, SIZE)
    (file,) = (home / "cache" / "pixels").glob("*.npy")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DatasetError, match="damaged"):
        cache.pixels(dataset, SIZE)


def test_thumbnails_are_small_upright_and_kept(save_image, home, decoded):
    path = save_image(np.zeros((900, 300, 3)), "photo.jpg", exif=rotated())
    payload = cache.thumbnail(path, "ab" * 32)
    with Image.open(io.BytesIO(payload)) as image:
        assert image.format == "JPEG"
        assert image.size == (256, 85)
    assert (home / "cache" / "thumbnails" / "ab" / f"{'ab' * 32}.jpg").read_bytes() == payload
    assert cache.thumbnail(path, "ab" * 32) == payload
    assert len(decoded) == 1
    small = save_image(np.zeros((20, 30, 3)), "small.png")
    with Image.open(io.BytesIO(cache.thumbnail(small, "cd" * 32))) as image:
        assert image.size == (30, 20), "small photos are not blown up"


def rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_a_thumbnail_of_no_photo_is_an_error_and_leaves_nothing(tmp_path, home):
    (tmp_path / "bad.jpg").write_bytes(b"text")
    with pytest.raises(NotAnImage):
        cache.thumbnail(tmp_path / "bad.jpg", "ab" * 32)
    with pytest.raises(HarError):
        cache.thumbnail(tmp_path / "none.jpg", "ab" * 32)
    assert not (home / "cache").exists()


def test_similar_photos_come_nearest_first_without_the_photo_itself():
    angles = np.radians([0, 50, 10, 90, -20, 0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    vectors *= np.array([[1], [5], [2], [1], [0.1], [0]], np.float32)
    assert likeness.similar(vectors, 0, 3).tolist() == [2, 4, 1]
    assert likeness.similar(vectors, 2, 9).tolist() == [0, 4, 1, 3], "a row of zeros is like nothing"


def test_the_map_brings_what_is_alike_together(dataset, monkeypatch):
    rng = np.random.default_rng(0)
    clouds = np.repeat(10 * rng.standard_normal((3, DIMENSIONS)), 10, axis=0).astype(np.float32)
    vectors = clouds + rng.standard_normal(clouds.shape, np.float32)
    vectors[7] = 0
    monkeypatch.setattr(cache, "embeddings", lambda *_: vectors)
    rows, xy = likeness.layout(dataset)
    assert rows.tolist() == np.delete(np.arange(30), 7).tolist(), "a photo without an embedding has no place"
    assert xy.dtype == np.float32
    distances = np.linalg.norm(xy[:, None] - xy[None], axis=2) + np.diag([np.inf] * 29)
    assert (rows[distances.argmin(axis=1)] // 10 == rows // 10).mean() > 0.9

    monkeypatch.setattr(cache, "embeddings", lambda *_: pytest.fail("the map was kept"))
    assert np.array_equal(likeness.layout(dataset)[1], xy)


@pytest.mark.parametrize("limit", [1, 3, 4, 12])
def test_the_map_is_limited_to_a_sample(dataset, limit):
    rows, xy = likeness.layout(dataset, limit=limit)
    assert len(np.unique(rows)) == len(xy) == limit
    assert np.isfinite(xy).all()
    assert np.array_equal(likeness.layout(dataset, limit=limit)[0], rows)
