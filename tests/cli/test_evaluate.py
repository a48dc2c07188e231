import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from har_cli.evaluate import app
from har_core.datasets import ingest
from har_core.datasets.sources import table


@pytest.fixture
def har(tiny_bundle, use_setting):
    use_setting("SHIPPED_MODELS", tiny_bundle.folder.parent)

    def run(*args):
        done = CliRunner().invoke(app, list(map(str, args)), prog_name="har evaluate")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


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
    assert "1.png" in err


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
