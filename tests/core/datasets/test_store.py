import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from har_core.datasets import ingest, store
from har_core.datasets.sources import folder
from har_core.errors import DatasetBroken, DatasetError, DatasetNotFound, SourceUnusable


def test_an_imported_dataset_describes_its_photos(dataset, class_folders):
    photos = dataset.base()
    assert (len(photos), dataset.info.images) == (30, 30)
    assert photos["path"].is_unique
    assert set(zip(photos["width"], photos["height"], strict=True)) == {(96, 72)}
    assert photos["phash"].str.fullmatch("[0-9a-f]{16}").all()
    assert photos["brightness"].between(0, 255).all()
    assert store.names() == ["small"]
    assert not ingest.workplace("small").exists()
    assert photos["path"].str.startswith(str(class_folders)).all(), "the photos stay where they are"


def test_photos_of_a_folder_named_from_here_are_found_from_anywhere(class_folders, monkeypatch):
    monkeypatch.chdir(class_folders.parent)
    photos = ingest.ingest("small", folder.read(Path(class_folders.name))).base()
    assert photos["path"].str.startswith(str(class_folders)).all()


def test_an_interrupted_import_goes_on_where_it_stopped(class_folders, monkeypatch):
    monkeypatch.setattr(ingest, "_CHUNK", 10)
    source = folder.read(class_folders)

    def interrupt(done, *_):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest.ingest("small", source, interrupt)
    assert store.names() == [], "half a dataset is never seen"
    measured = []
    real = ingest.measure
    monkeypatch.setattr(ingest, "measure", lambda item: measured.append(item) or real(item))
    assert ingest.ingest("small", source).info.images == 30
    assert len(measured) == 10, "two of three chunks were there already"


def test_chunks_of_another_source_are_not_taken_over(class_folders, monkeypatch):
    monkeypatch.setattr(ingest, "_CHUNK", 10)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest.ingest("small", folder.read(class_folders), interrupt)
    shutil.rmtree(class_folders / "eating")
    assert set(ingest.ingest("small", folder.read(class_folders)).base()["label"]) == {"running", "sitting"}


def test_broken_photos_are_left_out_by_name(class_folders):
    (class_folders / "eating" / "bad.jpg").write_bytes(b"no photo at all")
    skipped = ingest.ingest("small", folder.read(class_folders)).skipped()
    assert skipped["code"].tolist() == ["not_an_image"]
    assert skipped["path"][0].endswith("bad.jpg")


def test_nothing_readable_leaves_no_dataset(tmp_path):
    (tmp_path / "photos" / "a").mkdir(parents=True)
    (tmp_path / "photos" / "a" / "x.jpg").write_bytes(b"text text text")
    with pytest.raises(SourceUnusable, match=r"x\.jpg"):
        ingest.ingest("none", folder.read(tmp_path / "photos"))
    assert store.names() == []


@pytest.mark.parametrize("name", ["", "../x", "A b", "x" * 65, ".hidden", "ü"])
def test_names_that_could_be_paths_are_refused(name):
    with pytest.raises(DatasetError):
        ingest.require_free(name)
    with pytest.raises(DatasetNotFound):
        store.load(name)


def test_a_name_is_given_once(dataset):
    with pytest.raises(DatasetError, match="already"):
        ingest.require_free(dataset.name)


def test_copied_photos_move_with_the_dataset(class_folders):
    dataset = ingest.ingest("own", folder.read(class_folders), copy=True)
    shutil.rmtree(class_folders)
    moved = store.Dataset(dataset.folder.rename(dataset.folder.with_name("other")))
    from pathlib import Path

    assert all(Path(path).is_file() for path in moved.base()["path"])


def test_fixes_change_the_manifest_and_the_fingerprint_and_can_be_undone(dataset):
    before, photos = dataset.fingerprint(), dataset.base()
    first, second, third = photos["path"][:3]
    fingerprints = {before}
    dataset.apply("exclude", [first])
    fingerprints.add(dataset.fingerprint())
    dataset.apply("relabel", [second], "dancing")
    fingerprints.add(dataset.fingerprint())
    dataset.apply("same_group", [second, third])
    fingerprints.add(dataset.fingerprint())
    assert len(fingerprints) == 4
    found = dataset.manifest().set_index("path")
    assert found.loc[first, "excluded"]
    assert found.loc[second, "label"] == "dancing"
    assert found.loc[second, "group"] == found.loc[third, "group"]
    assert [fix.action for fix in dataset.fixes()] == ["exclude", "relabel", "same_group"]
    undone = [dataset.undo().action for _ in range(3)]
    assert undone == ["same_group", "relabel", "exclude"]
    assert dataset.undo() is None
    assert dataset.fingerprint() == before
    assert dataset.base().equals(photos), "what was imported never changes"


def test_keeping_a_label_changes_no_fingerprint(dataset):
    before = dataset.fingerprint()
    dataset.apply("keep", [dataset.base()["path"][0]])
    assert dataset.fingerprint() == before
    assert dataset.manifest()["kept"].sum() == 1


def test_fixes_of_unknown_photos_and_empty_labels_are_refused(dataset):
    with pytest.raises(DatasetError, match="no photo"):
        dataset.apply("exclude", ["/nowhere.jpg"])
    with pytest.raises(DatasetError, match="label"):
        dataset.apply("relabel", [dataset.base()["path"][0]], " ")


def test_no_fix_is_lost_when_many_are_made_at_once(dataset):
    paths = list(dataset.base()["path"])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: store.load("small").apply("exclude", [path]), paths))
    assert [fix.id for fix in dataset.fixes()] == list(range(1, 31))


@pytest.mark.parametrize("name", [store.MANIFEST, store.INFO, "fixes.json"])
def test_a_damaged_file_is_told_in_words(dataset, name):
    (dataset.folder / name).write_bytes(b"{")
    with pytest.raises(DatasetBroken, match=name):
        store.load("small").manifest()


def test_a_removed_dataset_is_gone_and_its_photos_stay(dataset, class_folders):
    store.remove(dataset.name)
    assert store.names() == []
    assert len(list(class_folders.rglob("*.jpg"))) == 30
