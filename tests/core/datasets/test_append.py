"""Photos added to a dataset that is there: nothing leaks, nobody sees half of it, what is cached stays in use."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core import images
from har_core.datasets import arrays, cache, checks, ingest, store
from har_core.datasets.sources import folder
from har_core.datasets.sources.candidates import Candidate, Source
from har_core.datasets.split import split_dataset
from har_core.errors import DatasetError, DatasetNotFound
from har_core.evaluation import kept
from tests.core.datasets.conftest import scene


@pytest.fixture
def split(dataset):
    split_dataset(dataset, 0.2, 0.2)
    return store.load("small")


@pytest.fixture
def photo(tmp_path):
    """Saves a picture beside the dataset's photos, and gives what names it."""

    def save(picture: Image.Image, name: str, label: str | None = "running", **about) -> Candidate:
        path = tmp_path / "new" / name
        path.parent.mkdir(exist_ok=True)
        picture.save(path, quality=92)
        return Candidate(path, label, "new", **about)

    return save


def append(*candidates: Candidate) -> ingest.Appended:
    return ingest.append("small", Source("folder", "new", list(candidates)))


def row_in(dataset, split: str):
    photos = dataset.base()
    return photos[photos["split"] == split].iloc[0]


def alike(row) -> Image.Image:
    """Nearly the same photo: smaller, and compressed anew."""
    return Image.open(row["path"]).resize((80, 60))


def test_new_photos_are_for_training_and_change_nothing_else(split, photo):
    before = split.manifest()
    found = append(photo(scene(100), "a.jpg"), photo(scene(101), "b.jpg", "dancing"), photo(scene(102), "c.jpg", None))
    after = store.load("small")
    assert found.dataset.info == after.info
    assert after.info.images == 33
    assert after.info.images_fingerprint == store.images_fingerprint(after.base())
    assert after.manifest().iloc[:30].equals(before)
    new = after.base().iloc[30:]
    assert new["split"].fillna("none").tolist() == ["train", "train", "none"], "what has no label is in no split"
    assert new["label"].fillna("none").tolist() == ["running", "dancing", "none"]
    assert (new["group"] == new["id"]).all()
    assert after.fingerprint() != split.fingerprint()
    assert (found.apart, found.skipped) == ([], [])


def test_the_photos_are_copied_and_move_with_the_dataset(split, photo):
    new = photo(scene(100), "a.jpg")
    append(new)
    new.path.unlink()
    moved = store.Dataset(split.folder.rename(split.folder.with_name("other")))
    path = Path(moved.base()["path"].iloc[-1])
    assert path.is_relative_to(moved.folder.resolve())
    assert images.decode(path.read_bytes()).shape == (72, 96, 3)


def test_what_nearly_shows_a_photo_that_is_measured_is_not_learnt_from(split, photo):
    learnt, measured = row_in(split, "train"), row_in(split, "test")
    new = photo(alike(learnt), "learnt.jpg"), photo(alike(measured), "measured.jpg")
    # One that only shares a scene with the second of these, by its group.
    friend = photo(scene(103), "friend.jpg", group=measured["group"])
    found = append(*new, friend)
    assert found.photos["split"].fillna("none").tolist() == ["train", "none", "none"]
    assert found.photos["group"].tolist() == [learnt["group"], measured["group"], measured["group"]]
    assert found.apart == [str(new[1].path), str(friend.path)]
    assert checks.check(found.dataset).cross_split == []
    # A split anew keeps them together, too.
    assigned = split_dataset(found.dataset, 0.2, 0.2, seed=3)
    scenes = found.dataset.base().assign(split=assigned).groupby("group")["split"]
    assert scenes.nunique().max() == 1


def test_a_fix_of_groups_counts(split, photo):
    learnt, measured = row_in(split, "train"), row_in(split, "test")
    fix = split.apply("same_group", [learnt["path"], measured["path"]])
    found = append(photo(alike(learnt), "new.jpg"))
    assert found.photos["group"].tolist() == [f"fix-{fix.id}"]
    assert found.apart, "its scene is measured, since somebody said so"


def test_new_photos_that_are_alike_share_a_group(split, photo):
    assert split.info.images == 30
    found = append(photo(scene(100), "a.jpg"), photo(scene(100).resize((80, 60)), "b.jpg"), photo(scene(101), "c.jpg"))
    first, second, third = found.photos["group"]
    assert first == second != third
    assert first == found.photos["id"].iloc[0]


def test_what_is_there_already_is_left_out_by_name(split, photo, tmp_path):
    there = row_in(split, "val")
    copy = tmp_path / "copy.jpg"
    shutil.copy(there["path"], copy)
    (tmp_path / "bad.jpg").write_bytes(b"text")
    twice = photo(scene(100), "a.jpg"), photo(scene(100), "b.jpg")
    found = append(Candidate(copy, "eating", "new"), *twice, Candidate(tmp_path / "bad.jpg", "eating", "new"))
    assert {(Path(item.path).name, item.code) for item in found.skipped} == {
        ("copy.jpg", "repeated"),
        ("b.jpg", "repeated"),
        ("bad.jpg", "not_an_image"),
    }
    assert found.dataset.info.images == 31
    again = append(twice[0])
    assert (len(again.photos), again.dataset.info.images) == (0, 31)
    assert again.dataset.base()["label"].iloc[-1] == "running"


def test_without_a_split_none_is_made_up(dataset, photo):
    found = append(photo(alike(dataset.base().iloc[0]), "a.jpg"))
    assert found.dataset.base()["split"].isna().all()
    assert found.apart == []


def test_a_split_that_was_imported_is_one(tmp_path, photo):
    for number in range(4):
        path = tmp_path / "photos" / ("train", "test")[number % 2] / "eating" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(number).save(path)
    dataset = ingest.ingest("small", folder.read(tmp_path / "photos"))
    found = append(photo(scene(100), "a.jpg", split="test"), photo(alike(row_in(dataset, "test")), "b.jpg"))
    assert found.photos["split"].fillna("none").tolist() == ["train", "none"]


def test_who_opened_it_before_goes_on_seeing_it_as_it_was(split, photo):
    photos, fingerprint = split.manifest(), split.fingerprint()
    append(photo(scene(100), "a.jpg"))
    assert split.manifest().equals(photos)
    assert split.fingerprint() == fingerprint
    assert cache.pixels(split, 16).shape[0] == 30
    # A split that was worked out for the old photos takes nothing from the new one.
    split.set_split(split.base()["split"])
    assert store.load("small").base()["split"].iloc[-1] == "train"


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_crash_in_the_middle_leaves_the_old_dataset(split, photo, monkeypatch, written):
    photos, info = split.manifest(), split.info
    new = [photo(scene(100 + number), f"{number}.jpg") for number in range(3)]
    real, places = store.write_beside, []

    def crash(path, write):
        if len(places) == written:
            raise KeyboardInterrupt
        places.append(path)
        real(path, write)

    monkeypatch.setattr(store, "write_beside", crash)
    with pytest.raises(KeyboardInterrupt):
        append(*new)
    monkeypatch.setattr(store, "write_beside", real)
    found = store.load("small")
    assert found.info == info
    assert found.manifest().equals(photos)
    # The next addition finds nothing in its way, and what was copied in vain goes.
    after = append(new[2]).dataset
    assert after.info.images == 31
    assert after.base()["id"].is_unique
    assert len(list((after.folder / "added").iterdir())) == 1
    assert after.base()["split"].iloc[:30].equals(photos["split"])


def test_an_interrupted_reading_goes_on_where_it_stopped(split, photo, monkeypatch):
    assert split.info.images == 30
    monkeypatch.setattr(ingest, "_CHUNK", 2)
    source = Source("folder", "new", [photo(scene(100 + number), f"{number}.jpg") for number in range(6)])

    def interrupt(done, *_):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest.append("small", source, interrupt)
    assert store.load("small").info.images == 30
    measured, real = [], ingest.measure
    monkeypatch.setattr(ingest, "measure", lambda item: measured.append(item) or real(item))
    assert ingest.append("small", source).dataset.info.images == 36
    assert len(measured) == 2
    assert store.names() == ["small"]
    assert [path.name for path in store.root().iterdir()] == ["small"]


def test_many_additions_at_once_all_count(split, photo):
    assert split.info.images == 30
    new = [photo(scene(100 + number), f"{number}.jpg") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, new))
    found = store.load("small")
    assert found.info.images == 36
    assert found.base()["id"].is_unique
    assert found.base()["split"].iloc[30:].tolist() == ["train"] * 6


def test_only_new_photos_are_decoded_again(split, photo, monkeypatch):
    old = np.array(cache.pixels(split, 24))
    embedded = cache.embeddings(split)
    found = append(photo(scene(100), "a.jpg"), photo(scene(101), "b.jpg"))
    decoded, square = [], cache.square
    monkeypatch.setattr(cache, "square", lambda *args: decoded.append(args) or square(*args))
    pixels = cache.pixels(found.dataset, 24)
    assert len(decoded) == 2
    assert np.array_equal(pixels[:30], old)
    assert np.array_equal(pixels[31], square(found.dataset.base()["path"][31], 24))
    vectors = cache.embeddings(found.dataset)
    assert len(decoded) == 4
    assert np.array_equal(vectors[:30], embedded)
    assert vectors[30:].any(axis=1).all()


def test_what_was_computed_of_an_interrupted_cache_is_carried_over(split, photo, monkeypatch):
    monkeypatch.setattr(arrays, "_CHUNK", 8)
    missing = Path(split.base()["path"][3])
    payload = missing.read_bytes()
    missing.unlink()

    def interrupt(done, *_):
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.pixels(split, 24, progress=interrupt)
    found = append(photo(scene(100), "a.jpg"))
    missing.write_bytes(payload)
    decoded, square = [], cache.square
    monkeypatch.setattr(cache, "square", lambda *args: decoded.append(args) or square(*args))
    pixels = cache.pixels(found.dataset, 24)
    assert len(decoded) == 1 + 14 + 1, "the one that was missing, those that were not reached, and the new one"
    assert pixels.any(axis=(1, 2, 3)).all()
    assert cache.unreadable(found.dataset, 24) == {}


def test_answers_that_are_kept_are_carried_over_and_what_is_stale_goes(split, photo, tiny, home):
    asked = kept.fill(tiny, split, split.base())
    cache.pixels(split, 24)
    found = append(photo(scene(100), "a.jpg"))
    assert kept.read(tiny.bundle, found.dataset).equals(asked)
    key = found.dataset.info.images_fingerprint[:16]
    files = [path for path in (home / "cache").rglob("*") if path.is_file() and path.parent.name != "thumbnails"]
    assert {path.name[:16] for path in files} == {key}


def test_readers_never_see_half_of_an_addition(split, photo):
    assert split.info.images == 30
    new = [photo(scene(100 + number), f"{number}.jpg") for number in range(8)]
    done = threading.Event()

    def look() -> set[int]:
        seen = set()
        while not done.is_set():
            found = store.load("small")
            photos = found.manifest()
            assert len(photos) == found.info.images
            assert store.images_fingerprint(photos) == found.info.images_fingerprint
            assert photos["split"].notna().all()
            seen.add(len(photos))
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(look) for _ in range(2)]
        for candidate in new:
            append(candidate)
        done.set()
        for reader in readers:
            assert reader.result() <= set(range(30, 39))


def test_a_dataset_that_is_not_there_cannot_grow(photo):
    with pytest.raises(DatasetNotFound):
        append(photo(scene(100), "a.jpg"))


def test_a_dataset_that_cannot_be_written_says_so(split, photo):
    (split.folder / "added").write_text("in the way")
    with pytest.raises(DatasetError, match="cannot be written"):
        append(photo(scene(100), "a.jpg"))
    assert store.load("small").info == split.info
