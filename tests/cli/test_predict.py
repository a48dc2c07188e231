import json
import re
import subprocess
import sys

import pytest

from tests.bundles import variant
from tests.cli.conftest import spawned
from tests.conftest import EXAMPLES, PROJECT_ROOT
from tests.hostile import HOSTILE


def rows(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("har")
def test_json_rows_carry_what_the_contract_says(red):
    code, out, err = spawned("predict", red, "--json", "--top-k", 2)
    assert (code, err) == (0, "")
    (row,) = rows(out)
    assert set(row) == {"path", "label", "confidence", "decision", "predictions", "model"}
    assert (row["path"], row["label"], row["decision"]) == (str(red), "red", "sure")
    assert [set(item) for item in row["predictions"]] == [{"label", "score"}] * 2
    assert row["model"] == {"name": "tiny", "version": 1}


def test_a_bad_file_is_named_and_spoils_nothing_else(har, red, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"this is no photo")
    code, out, err = har("predict", bad, red, tmp_path / "missing.jpg", "--json")
    assert code == 1
    assert [row.get("error", {}).get("code", row.get("label")) for row in rows(out)] == [
        "not_an_image",
        "red",
        "file_unreadable",
    ]
    assert str(bad) in err
    assert "Traceback" not in err


def test_people_read_the_action_in_words_and_further_ones(har, red, tiny_bundle, tmp_path, use_setting):
    labels = ["using_laptop", "riding_horse", "sitting"]
    use_setting("SHIPPED_MODELS", variant(tiny_bundle, tmp_path / "words", labels=labels).folder.parent)
    code, out, _ = har("predict", red, "--top-k", 2)
    assert code == 0
    assert re.fullmatch(rf"{red}: using laptop \d+% \(sure\); then (riding horse|sitting) 0%\n", out)
    assert har("predict", red, "--top-k", 1)[1].endswith("% (sure)\n")


@pytest.mark.parametrize("name", ["../<script>.jpg", "rm -rf.jpg", "ünï.jpg"])
def test_odd_names_are_only_names(har, tmp_path, red, name):
    path = tmp_path / name.replace("../", "")
    path.write_bytes(red.read_bytes())
    code, out, _ = har("predict", path, "--json")
    assert (code, rows(out)[0]["path"]) == (0, str(path))


def test_stdin_and_folders_are_read(har, red):
    code, out, _ = har("predict", "-", "--json", stdin=red.read_bytes())
    assert (code, rows(out)[0]["path"], rows(out)[0]["label"]) == (0, "-", "red")
    code, out, _ = har("predict", red.parent / "models" / "..", "--json")
    assert (code, [row["label"] for row in rows(out)]) == (0, ["red"])


def test_an_endless_name_spoils_nothing_else(har, red):
    code, out, _ = har("predict", "x" * 5000, red, "--json")
    assert code == 1
    assert [row.get("label") for row in rows(out)] == [None, "red"]


def test_a_setting_that_cannot_be_used_is_named(har, red, monkeypatch):
    monkeypatch.setenv("HAR_THREADS", "many")
    code, _, err = har("predict", red)
    assert code == 2
    assert "HAR_THREADS" in err
    assert "Traceback" not in err


def test_an_empty_folder_says_so(har, tmp_path):
    (tmp_path / "none").mkdir()
    code, _, err = har("predict", tmp_path / "none")
    assert code == 1
    assert "no photos" in err


def test_a_hostile_stdin_is_refused(har):
    code, out, _ = har("predict", "-", "--json", stdin=HOSTILE["large.jpg"][0])
    assert (code, rows(out)[0]["error"]["code"]) == (1, "image_too_large")


def test_explain_writes_a_picture(har, red, tmp_path):
    code, _, _ = har("predict", red, "--explain", tmp_path / "heat.png")
    assert code == 0
    assert (tmp_path / "heat.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "args", [[], ["--top-k", "0", "x.jpg"], ["a.jpg", "b.jpg", "--explain", "o.png"], ["x", "--bad"]]
)
def test_wrong_usage_exits_with_2(har, args):
    assert har("predict", *args)[0] == 2


def test_an_unknown_model_is_named_with_the_known_ones(har, red):
    code, _, err = har("predict", red, "--model", "nothing")
    assert code == 1
    assert "nothing" in err
    assert "tiny@1" in err


def test_models_are_listed_shown_and_verified(har, tiny_bundle):
    assert rows(har("models", "list", "--json")[1])[0]["labels"] == ["red", "green", "blue"]
    assert har("models", "show", "tiny")[1].startswith("# tiny")
    assert har("models", "verify", "tiny@1")[0] == 0
    (tiny_bundle.folder / "model.keras").write_bytes(b"")
    code, _, err = har("models", "verify", "tiny")
    assert code == 1
    assert "model.keras" in err


@pytest.mark.parametrize("program", ["har_cli.main", "api_service.urls", "har_ui.results"])
def test_serving_never_imports_tensorflow(program):
    code = (
        "import sys, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'api_service.settings'; import django; django.setup()\n"
        f"import {program}\n"
        "from har_core import images, serving, predictor, explain\n"
        "p = predictor.Predictor(serving.find('everyday'), 1)\n"
        f"p.predict(images.decode(open(r'{EXAMPLES / 'cycling.jpg'}', 'rb').read()))\n"
        "bad = sorted(m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'keras'))\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_ROOT)
