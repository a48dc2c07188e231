import json
import shutil

import pytest
from typer.testing import CliRunner

from har_cli.data import app
from tests.core.datasets.conftest import class_folders, scene  # noqa: F401 - a fixture


@pytest.fixture
def har():
    def run(*args):
        done = CliRunner().invoke(app, list(map(str, args)), prog_name="har data")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


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
    code, out, _ = har("check", "clean", "--json")
    report = json.loads(out)
    assert (code, report["images"], report["duplicates"], report["near_duplicates"]) == (0, 30, [], [])

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
    assert set(report["few"]) == {"eating", "running", "sitting"}
    assert "near-duplicates: 1 groups" in har("check", "dirty")[1]


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
    [["split", "x", "--val", 0.6, "--test", 0.6], ["import", "csv", "x.csv", "--name", "x", "--root", "a"], ["import"]],
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
