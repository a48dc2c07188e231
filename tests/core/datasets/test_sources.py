import errno
import hashlib
import os
import shutil
import zipfile

import pytest

from har_core.datasets import ingest
from har_core.datasets.sources import archive, folder, kaggle_har, table
from har_core.datasets.split import split_dataset
from har_core.errors import DatasetError, SourceUnusable
from tests.core.datasets.conftest import scene


def reasons(source) -> dict[str, str]:
    return {os.path.basename(item.path): item.code for item in source.skipped}  # noqa: PTH119 - names may be no paths


def test_class_folders_give_labels_and_splits(class_folders):
    source = folder.read(class_folders)
    assert len(source.candidates) == 30
    assert {item.label for item in source.candidates} == {"eating", "running", "sitting"}
    assert {item.split for item in source.candidates} == {None}
    (class_folders / "train").mkdir()
    (class_folders / "eating").rename(class_folders / "train" / "eating")
    found = {item.label: item.split for item in folder.read(class_folders).candidates}
    assert found == {"eating": "train", "running": None, "sitting": None}


def test_what_is_no_labelled_photo_is_left_out_by_name(class_folders, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (class_folders / "eating" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (class_folders / "eating" / "notes.txt").write_text("x")
    (class_folders / "loose.jpg").write_bytes((class_folders / "eating" / "0.jpg").read_bytes())
    (class_folders / "eating" / ".hidden.jpg").touch()
    source = folder.read(class_folders)
    assert reasons(source) == {"link.jpg": "outside_root", "notes.txt": "not_an_image", "loose.jpg": "no_label"}
    assert len(source.candidates) == 30


def test_a_folder_without_class_folders_says_what_is_expected(tmp_path):
    with pytest.raises(SourceUnusable, match="class folder"):
        folder.read(tmp_path)
    with pytest.raises(SourceUnusable, match="no folder"):
        folder.read(tmp_path / "none")


def test_a_csv_with_odd_but_honest_content_is_read(class_folders):
    file = class_folders / "labels.csv"
    file.write_bytes(
        "\ufeffPath,Label,Group,weather\r\n"
        "eating/0.jpg, eating ,g1,sun\r\nrunning/1.jpg,NA,,\r\nsitting/2.jpg,,g2,\r\n".encode()
    )
    source = table.read(file)
    assert [(item.label, item.group) for item in source.candidates] == [("eating", "g1"), ("NA", None), (None, "g2")]
    assert reasons(source) == {"labels.csv": "unknown_column"}


def test_paths_out_of_the_root_are_refused_by_name(class_folders):
    file = class_folders / "labels.csv"
    file.write_text("path,label,split\n/etc/passwd,x,\n../up.jpg,x,\neating/0.jpg,x,later\n,x,\nüben/é.jpg,x,train\n")
    source = table.read(file)
    assert reasons(source) == {
        "passwd": "unsafe_path",
        "up.jpg": "outside_root",
        "0.jpg": "unknown_split",
        "(empty)": "no_path",
    }
    assert [item.path.name for item in source.candidates] == ["é.jpg"]


def test_each_source_has_its_own_root(class_folders):
    file = class_folders / "labels.csv"
    file.write_text("path,label,source\n0.jpg,eating,one\n1.jpg,running,two\n")
    roots = {"one": class_folders / "eating", "two": class_folders / "running"}
    assert all(item.path.is_file() for item in table.read(file, roots).candidates)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"path,label\n", b'path,label\n"x'])
def test_a_csv_that_is_none_is_refused_in_words(tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(SourceUnusable, match=r"x\.csv"):
        table.read(tmp_path / "x.csv")


@pytest.fixture
def kaggle_folder(tmp_path):
    """The reference set's layout: names repeat between train and test, and test has no labels."""
    home = tmp_path / "Human Action Recognition"
    lines = ["filename,label"]
    for number in range(1, 7):
        for part, seed in (("train", number), ("test", 100 + number)):
            (home / part).mkdir(parents=True, exist_ok=True)
            scene(seed).save(home / part / f"Image_{number}.jpg")
        lines.append(f"Image_{number}.jpg,{'sitting' if number % 2 else 'using_laptop'}")
    (home / "Training_set.csv").write_text("\n".join([*lines, "Image_99.jpg,sitting", "../x.jpg,sitting"]))
    (home / "Testing_set.csv").write_text("filename\n" + "\n".join(f"Image_{n}.jpg" for n in range(1, 7)))
    return home


def test_the_reference_layout_keeps_test_photos_as_unlabelled(kaggle_folder):
    dataset = ingest.ingest("har", kaggle_har.read(kaggle_folder.parent))
    photos = dataset.base()
    assert photos["label"].value_counts().to_dict() == {"sitting": 3, "using_laptop": 3}
    assert photos["label"].isna().sum() == 6
    assert photos["id"].nunique() == 12, "Image_1.jpg of train and of test are two photos"
    assert set(dataset.skipped()["code"]) == {"file_unreadable", "outside_root"}


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(SourceUnusable, match=r"Training_set\.csv"):
        kaggle_har.read(tmp_path)


def zip_of(path, entries):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def test_a_hostile_zip_lands_nowhere_else(tmp_path, class_folders):
    photo = (class_folders / "eating" / "0.jpg").read_bytes()
    link = zipfile.ZipInfo("set/eating/link.jpg")
    link.external_attr = 0o120777 << 16
    entries = {
        "set/eating/good.jpg": photo,
        "../up.jpg": photo,
        "/abs.jpg": photo,
        "C:\\x.jpg": photo,
        "a/..\\..\\up2.jpg": photo,
        link: "/etc/passwd",
        "set/run.exe": b"MZ",
        "set/eating/large.jpg": b"\0" * 21_000_000,
    }
    target = tmp_path / "in" / "side"
    skipped = archive.unpack(zip_of(tmp_path / "x.zip", entries), target)
    assert [path.name for path in target.rglob("*") if path.is_file()] == ["good.jpg"]
    assert not (tmp_path / "in" / "up.jpg").exists()
    assert sorted(item.code for item in skipped) == ["image_too_large", "link", "not_an_image", *["unsafe_path"] * 4]
    assert archive.content_root(target) == target / "set"


def test_names_that_no_file_can_have_spoil_nothing_else(tmp_path):
    odd = [".", "a.jpg/below.jpg", "b.jpg/x/below.jpg", "c/d.jpg", f"{'long' * 80}.jpg"]
    entries = dict.fromkeys(["a.jpg", "b.jpg", "c/d.jpg/below.jpg", *odd, "good.jpg"], b"x")
    skipped = archive.unpack(zip_of(tmp_path / "x.zip", entries), tmp_path / "out")
    assert [(item.path, item.code) for item in skipped] == [
        (name, "not_an_image" if name == "." else "unsafe_path") for name in odd
    ]
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("[!.]*") if path.is_file()}
    assert found == {"a.jpg", "b.jpg", "c/d.jpg/below.jpg", "good.jpg"}


def not_utf8(path):
    """A zip with a name that is not in the encoding that it claims."""
    content = zip_of(path, {"ü.jpg": b"x"}).read_bytes()
    path.write_bytes(content.replace("ü".encode(), b"\xff\xff"))


@pytest.mark.parametrize("write", [lambda path: path.write_bytes(b"PK\3\4 nonsense"), not_utf8])
def test_a_zip_that_is_none_is_refused(write, tmp_path):
    write(tmp_path / "x.zip")
    with pytest.raises(SourceUnusable, match="no zip file"):
        archive.unpack(tmp_path / "x.zip", tmp_path / "out")


def test_a_zip_for_which_there_is_no_room_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive.shutil, "copyfileobj", full)
    with pytest.raises(SourceUnusable, match=r"x\.zip cannot be unpacked: No space left on device"):
        archive.unpack(zip_of(tmp_path / "x.zip", {"a.jpg": b"x"}), tmp_path / "out")


def test_a_list_that_was_written_finds_the_same_photos_in_other_folders(dataset, class_folders, tmp_path):
    split_dataset(dataset, 0.2, 0.2)
    eating = str(class_folders / "eating" / "0.jpg")
    dataset.apply("exclude", [str(class_folders / "running" / "1.jpg")])
    dataset.apply("relabel", [eating], "drinking")
    assert table.write(dataset, tmp_path / "list.csv") == 29
    # In another folder, under names that belong to other photos there.
    paths = sorted(class_folders.rglob("*.jpg"))
    for path, other in zip(paths, [*paths[1:], paths[0]], strict=True):
        moved = tmp_path / "moved" / other.relative_to(class_folders)
        moved.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, moved)
    source = table.read(tmp_path / "list.csv", {class_folders.name: tmp_path / "moved"})
    assert source.skipped == []
    again = ingest.ingest("again", source)
    assert again.fingerprint() == dataset.fingerprint(), "labels, groups and splits are the same"
    assert "drinking" in set(again.manifest()["label"])


def test_a_photo_with_other_content_than_the_list_says_is_left_out_by_name(class_folders, tmp_path, use_setting):
    digest = hashlib.sha256((class_folders / "running" / "1.jpg").read_bytes()).hexdigest()
    lines = ["path,label,sha256", f"eating/0.jpg,eating,{'0' * 64}", f"none.jpg,running,{digest.upper()}"]
    (tmp_path / "list.csv").write_text("\n".join([*lines, "sitting/2.jpg,sitting,"]))
    source = table.read(tmp_path / "list.csv", {tmp_path.name: class_folders})
    assert [str(item.path.relative_to(class_folders)) for item in source.candidates] == [
        "running/1.jpg",
        "sitting/2.jpg",
    ]
    assert reasons(source) == {"0.jpg": "not_found"}
    use_setting("MAX_IMAGE_BYTES", 10)
    assert len(table.read(tmp_path / "list.csv", {tmp_path.name: class_folders}).candidates) == 1, "none is read whole"


def test_a_list_that_cannot_be_written_is_said_in_words(dataset, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="cannot be written"):
        table.write(dataset, tmp_path / "file" / "list.csv")
    dataset.apply("exclude", dataset.base()["path"].tolist())
    with pytest.raises(DatasetError, match="nothing to list"):
        table.write(dataset, tmp_path / "list.csv")
