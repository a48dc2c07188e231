import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from har_core.datasets import duplicates, ingest
from har_core.datasets.sources.candidates import Candidate
from har_core.datasets.split import split_dataset
from har_core.datasets.store import load
from tests.core.datasets.conftest import scene


def manifest_of(images, tmp_path):
    rows = []
    for number, payload in enumerate(images):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(payload)
        rows.append(ingest.measure(Candidate(path, "x", "made")))
    return pd.DataFrame(rows)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def test_resized_and_recompressed_copies_are_found_and_other_photos_are_not(tmp_path):
    originals = [scene(seed, (240, 180)) for seed in range(40)]
    copies = [jpeg(image.resize((120 + 5 * n, 90 + 4 * n)), 60) for n, image in enumerate(originals[:20])]
    manifest = manifest_of([jpeg(image) for image in originals] + copies, tmp_path)
    pairs = {tuple(pair) for pair in duplicates.near_pairs(manifest).tolist()}
    assert pairs == {(n, 40 + n) for n in range(20)}


def test_exact_copies_are_groups_and_no_near_pairs(tmp_path):
    photos = [jpeg(scene(seed)) for seed in range(5)]
    manifest = manifest_of([*photos, photos[0], photos[0], photos[3]], tmp_path)
    assert duplicates.exact_groups(manifest) in ([[0, 5, 6], [3, 7]], [[3, 7], [0, 5, 6]])
    assert len(duplicates.near_pairs(manifest)) == 0


hashes = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40)


@settings(deadline=None)
@given(hashes, st.integers(0, 4))
def test_pairs_are_those_of_comparing_each_with_each(values, flips):
    values = values + [value ^ ((1 << flips) - 1) for value in values[:5]]
    text = [f"{value:016x}" for value in values]
    manifest = pd.DataFrame({"id": [str(n) for n in range(len(values))], "phash": text, "dhash": text})
    limit = min(duplicates.PHASH_BITS, duplicates.DHASH_BITS)
    expected = {
        (i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= limit
    }
    assert {tuple(pair) for pair in duplicates.near_pairs(manifest).tolist()} == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), min_size=1, max_size=30))
def test_clusters_hold_together_what_shares_bytes_or_group(rows):
    manifest = pd.DataFrame(rows, columns=["id", "group"]).astype(str)
    rng = np.random.default_rng(0)
    manifest["phash"] = manifest["dhash"] = [f"{value:016x}" for value in rng.integers(0, 2**63, len(rows))]
    numbers = duplicates.clusters(manifest, np.empty((0, 2), np.int64))
    for column in ("id", "group"):
        assert pd.Series(numbers).groupby(manifest[column]).nunique().max() == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_no_cluster_crosses_a_split_and_no_label_is_lost(class_folders, seed):
    from har_core.datasets.sources import folder

    for number in range(0, 30, 4):
        label = ("eating", "running", "sitting")[number % 3]
        scene(number).resize((60, 45)).save(class_folders / label / f"copy-{number}.jpg", quality=70)
    dataset = ingest.ingest("copies", folder.read(class_folders))
    assigned = split_dataset(dataset, 0.2, 0.2, seed)
    photos = load("copies").manifest()
    assert photos["split"].equals(assigned.astype("string").rename("split"))
    assert photos["split"].groupby(duplicates.clusters(photos)).nunique().max() == 1
    assert photos.groupby("label")["split"].nunique().min() == 3
    assert split_dataset(dataset, 0.2, 0.2, seed).equals(assigned)


def test_unlabelled_and_excluded_photos_get_no_split(dataset):
    dataset.apply("exclude", [dataset.base()["path"][0]])
    split_dataset(dataset, 0.2, 0.2)
    photos = dataset.manifest()
    assert photos["split"].isna().tolist() == photos["excluded"].tolist()
