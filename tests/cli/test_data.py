import io
import json
import shutil
from functools import partial

import pytest

from har_core import feedback
from har_core.feedback import Answer
from tests.core.datasets.conftest import class_folders, scene  # noqa: F401 - a fixture


@pytest.fixture
def har(call):
    return partial(call, "data")


def test_a_folder_is_imported_shown_split_and_removed(har, class_folders):  # noqa: F811
    code, out, _ = har("import", "folder", class_folders, "--name", "small", "--json")
    assert (code, json.loads(out)["images"]) == (0, 30)
    assert json.loads(har("list", "--json")[1])["name"] == "small"
    code, out, _ = har("split", "small", "--val", 0.2, "--test", 0.2, "--json")
    counts = json.loads(out)
    assert (code, counts["train"] + counts["val"] + counts["test"]) == (0, 30)
    shown = json.loads(har("show", "small", "--json")[1])
    assert shown["fingerprint"] == counts["fingerprint"]
    assert set(shown["labels"]["eating"]) == {"train", "val", "test"}
    assert har("remove", "small")[0] == 0
    assert har("show", "small")[0] == 1


def test_a_check_finds_what_was_planted_and_says_so_by_exit_code(har, class_folders):  # noqa: F811
    har("import", "folder", class_folders, "--name", "clean")
    code, out, _ = har("check", "clean")
    assert code == 0
    for line in ("30 photos", "not readable: 0", "exact duplicates: 0 groups"):
        assert line in out.splitlines()
    assert "near-duplicates: 0 groups" in out

    original = class_folders / "eating" / "0.jpg"
    (class_folders / "eating" / "same.jpg").write_bytes(original.read_bytes())
    scene(1).resize((80, 60)).save(class_folders / "sitting" / "near.jpg", quality=70)
    (class_folders / "running" / "broken.jpg").write_bytes(original.read_bytes()[:900])
    code, out, err = har("import", "folder", class_folders, "--name", "dirty")
    assert code == 0
    assert "broken.jpg" in err
    code, out, _ = har("check", "dirty", "--json")
    report = json.loads(out)
    assert code == 1
    assert [sorted(path.rpartition("/")[2] for path in group) for group in report["duplicates"]] == [
        ["0.jpg", "same.jpg"]
    ]
    assert [sorted(path.rpartition("/")[2] for path in group) for group in report["conflicting"]] == [
        ["1.jpg", "near.jpg"]
    ]
    assert [item["code"] for item in report["undecodable"]] == ["truncated_image"]
    assert len(report["near_pairs"]) == 1
    assert set(report["few"]) == {"eating", "running", "sitting"}


def test_photos_are_appended_from_folders_and_lists(har, class_folders, tmp_path):  # noqa: F811
    har("import", "folder", class_folders, "--name", "small")
    har("split", "small", "--val", 0.2, "--test", 0.2)
    for number in range(3):
        path = tmp_path / "more" / "dancing" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(100 + number).save(path)
    (tmp_path / "more" / "dancing" / "bad.jpg").write_bytes(b"text")
    listed = tmp_path / "more" / "list.csv"
    listed.write_text("path,label\ndancing/2.jpg,jumping\n")
    code, out, err = har("append", "small", tmp_path / "more", listed, "--json")
    row = json.loads(out)
    assert (code, row["added"], row["for_training"], row["apart"], row["images"]) == (0, 3, 3, [], 33)
    assert {item["code"] for item in row["left_out"]} == {"repeated", "not_an_image"}
    assert "bad.jpg" in err
    shown = json.loads(har("show", "small", "--json")[1])
    assert (shown["labels"]["dancing"], shown["fingerprint"]) == ({"train": 3}, row["fingerprint"])
    assert "0 photos added" in har("append", "small", tmp_path / "more")[1]


def test_feedback_is_appended_or_imported_once_it_was_accepted(har, call, class_folders):  # noqa: F811
    har("import", "folder", class_folders, "--name", "small")
    answer = Answer(label="sitting", confidence=0.4, decision="unsure", model="tiny@1")
    for number in range(2):
        buffer = io.BytesIO()
        scene(100 + number).save(buffer, "JPEG")
        feedback.record(buffer.getvalue(), "running", answer, "api")
    assert "wait for review" in har("append", "small", "--from", "feedback")[2]
    first, second = feedback.queue()
    listed = call("feedback", "list", "--status", "new", "--json")[1].splitlines()
    assert [json.loads(line)["photo"] for line in listed] == [first.photo, second.photo]
    code, out, err = call("feedback", "accept", "nothing", first.photo[:12], "--label", "dancing")
    assert (code, err) == (1, "har: No photos begin with nothing; `har feedback list` names them.\n")
    assert "accepted: dancing" in out, "one that fails keeps no other from being done"
    assert json.loads(har("append", "small", "--from", "feedback", "--json")[1])["added"] == 1
    assert json.loads(har("show", "small", "--json")[1])["labels"]["dancing"] == {"unassigned": 1}
    feedback.accept(second.photo)
    assert json.loads(har("import", "feedback", "--name", "people", "--json")[1])["images"] == 1
    assert {entry.dataset for entry in feedback.entries("added")} == {"small", "people"}
    assert call("feedback", "discard", second.photo) == (1, "", f"har: {feedback_text(second)}\n")


def feedback_text(entry) -> str:
    return f"This photo was added to the dataset people as “{entry.label}”. Its label is put right there."


def test_a_damaged_dataset_hides_no_other(har, class_folders, home):  # noqa: F811
    for name in ("a", "b"):
        har("import", "folder", class_folders, "--name", name)
    (home / "datasets" / "a" / "dataset.json").write_text("{")
    code, out, err = har("list")
    assert (code, out[:12]) == (1, "b: 30 photos")
    assert err == "har: The dataset a is damaged: dataset.json cannot be read.\n"


def test_a_zip_is_imported_like_a_folder(har, class_folders, tmp_path):  # noqa: F811
    archive = shutil.make_archive(str(tmp_path / "photos"), "zip", class_folders.parent, class_folders.name)
    assert har("import", "folder", archive, "--name", "zipped")[0] == 0
    assert json.loads(har("show", "zipped", "--json")[1])["labels"]["eating"] == {"unassigned": 10}


@pytest.mark.parametrize(
    "args",
    [
        ["import", "folder", "/nowhere", "--name", "x"],
        ["import", "csv", "/nowhere.csv", "--name", "x"],
        ["import", "kaggle-har", "/nowhere", "--name", "x"],
        ["import", "feedback", "--name", "x"],
        ["append", "nothing", "/nowhere"],
        ["append", "nothing", "--from", "feedback"],
        ["import", "folder", "/tmp", "--name", "../x"],
        ["show", "nothing"],
        ["check", "nothing"],
        ["split", "nothing"],
    ],
)
def test_what_cannot_be_done_is_said_in_words(har, args):
    code, out, err = har(*args)
    assert (code, out) == (1, "")
    assert err.startswith("har: ")


@pytest.mark.parametrize(
    "args",
    [
        ["split", "x", "--val", 0.6, "--test", 0.6],
        ["import", "csv", "x.csv", "--name", "x", "--root", "a"],
        ["import"],
        ["append", "x"],
    ],
)
def test_wrong_usage_exits_with_2(har, args):
    assert har(*args)[0] == 2


def test_progress_is_kept_in_a_file_when_asked_for(har, class_folders, tmp_path):  # noqa: F811
    har("import", "folder", class_folders, "--name", "small", "--progress-file", tmp_path / "progress.json")
    progress = json.loads((tmp_path / "progress.json").read_text())
    assert progress["done"] == progress["total"] == 30


def test_the_everyday_set_is_imported_checked_and_split(har, photos_root):
    assert har("import", "csv", photos_root / "everyday" / "labels.csv", "--name", "everyday")[0] == 0
    shown = json.loads(har("show", "everyday", "--json")[1])
    assert shown["images"] > 2000
    assert len(shown["labels"]) == 22
    assert har("split", "everyday")[0] == 0
