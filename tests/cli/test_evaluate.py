import hashlib
import json
from functools import partial

import pytest
from PIL import Image

from har_core.bundle import INFO, TRAINED_ON
from har_core.datasets import ingest, store
from har_core.datasets.sources import table


@pytest.fixture
def har(har):
    return partial(har, "evaluate")


@pytest.fixture
def photos(tmp_path):
    """Three photos of the test split, one of another, and one whose label the model does not know."""
    lines = ["path,label,split"]
    for number, (colour, split) in enumerate(
        [("red", "test"), ("green", "test"), ("blue", "test"), ("red", "val"), ("white", "test")]
    ):
        Image.new("RGB", (30 + number, 30), colour).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{colour},{split}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    ingest.ingest("photos", table.read(tmp_path / "labels.csv"))
    return tmp_path


@pytest.mark.usefixtures("photos")
def test_json_carries_each_figure_with_its_interval(har):
    code, out, err = har("tiny", "--dataset", "photos", "--json")
    row = json.loads(out)
    assert (code, row["model"], row["split"], row["n"]) == (0, "tiny@1", "test", 3)
    for name in ("accuracy", "macro_f1", "ece"):
        assert row[name]["low"] <= row[name]["value"] <= row[name]["high"]
    assert row["accuracy"]["value"] == 1
    assert {"top3_accuracy", "balanced_accuracy", "weighted_f1", "log_loss", "brier", "sure_share"} <= set(row)
    assert (row["leaked"], row["unreadable"], row["outliers"]) == (None, {}, None)
    assert row["unknown_labels"] == {"white": 1}
    assert "white (1)" in err
    assert json.loads(har("tiny", "--dataset", "photos", "--split", "all", "--json")[1])["n"] == 4


@pytest.mark.usefixtures("photos")
def test_outliers_are_measured_beside(har):
    code, out, _ = har("tiny", "--dataset", "photos", "--outliers", "photos")
    assert code == 0
    assert "accuracy: 1.000" in out
    assert "on 5 photos of photos, which show none of the labels" in out


def test_a_photo_that_cannot_be_read_is_named_and_the_others_count(har, photos):
    (photos / "1.png").write_bytes(b"spoilt")
    code, out, err = har("tiny", "--dataset", "photos", "--json")
    assert (code, json.loads(out)["n"]) == (1, 2)
    assert "1.png: The file was changed since it was imported" in err
    assert list(json.loads(out)["unreadable"]) == [str(photos / "1.png")]


def test_what_the_model_has_seen_is_scored_apart(har, tiny_bundle, photos):
    seen = store.load("photos").base().loc[[0], ["id", "phash", "dhash", "split"]]
    (tiny_bundle.folder / TRAINED_ON).write_text(seen.to_csv(index=False))
    info = json.loads((tiny_bundle.folder / INFO).read_text())
    info["sha256"][TRAINED_ON] = hashlib.sha256((tiny_bundle.folder / TRAINED_ON).read_bytes()).hexdigest()
    (tiny_bundle.folder / INFO).write_text(json.dumps(info))
    # All these photos are plain, so each looks like the one that was seen.
    code, out, err = har("tiny", "--dataset", "photos")
    assert (code, out) == (1, "")
    assert "that tiny@1 has not seen" in err
    Image.effect_mandelbrot((90, 90), (-2, -1, 1, 1), 30).convert("RGB").save(photos / "5.png")
    (photos / "more.csv").write_text("path,label,split\n5.png,red,test\n0.png,red,test")
    ingest.ingest("more", table.read(photos / "more.csv"))
    code, out, err = har("tiny", "--dataset", "more", "--json")
    row = json.loads(out)
    assert (code, row["n"], row["leaked"]["n"], row["leaked"]["accuracy"]["value"]) == (0, 1, 1, 1)
    assert "1 of the photos, or nearly the same ones" in err
    assert "on 1 photos that it has seen" in har("tiny", "--dataset", "more")[1]


@pytest.mark.usefixtures("photos")
def test_a_report_is_written_as_asked_for(har, tmp_path):
    for name in ("report.html", "report.json"):
        assert har("tiny", "--dataset", "photos", "--output", tmp_path / "new" / name)[0] == 0
    row = json.loads((tmp_path / "new" / "report.json").read_text())
    assert (row["n"], row["accuracy"]["value"], len(row["confusion"])) == (3, 1, 3)
    assert (tmp_path / "new" / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert har("tiny", "--dataset", "photos", "--output", "report.pdf")[0] == 2
    (tmp_path / "file").write_text("")
    code, out, err = har("tiny", "--dataset", "photos", "--output", tmp_path / "file" / "report.html")
    assert (code, out) == (1, "")
    assert "cannot be written" in err


@pytest.mark.usefixtures("photos")
def test_how_far_it_is_can_be_read_from_a_file(har, tmp_path):
    file = tmp_path / "progress.json"
    for _ in range(2):
        assert har("tiny", "--dataset", "photos", "--progress-file", file)[0] == 0
        assert json.loads(file.read_text()) == {"done": 3, "total": 3, "what": "asking the model"}
        file.unlink()


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    "arguments",
    [["none", "-d", "photos"], ["tiny", "-d", "none"], ["tiny", "-d", "photos", "--split", "train"],
     ["tiny", "-d", "photos", "--outliers", "none"]],
)  # fmt: skip
def test_what_is_not_there_is_said_in_words(har, arguments):
    code, out, err = har(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("har: There is no")
