"""``har models promote``, ``rollback``, ``history``, ``import``, as a user calls them."""

import json
from functools import partial

import pytest

from har_core import bundle as bundles
from har_core import serving
from tests.bundles import evaluation, spoil
from training import registry


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """How often MLflow would have been told."""
    calls: list[bool] = []
    monkeypatch.setattr(registry, "mirror_soon", lambda: calls.append(True))
    return calls


@pytest.fixture
def har(call, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    return partial(call, "models")


def test_a_promotion_is_said_with_its_checks_and_kept_with_who_and_why(made, har, told):
    made(2)
    code, out, err = har("promote", "tiny@2", "--why", "more photos")
    assert (code, err) == (0, "")
    assert out.count("passed  ") == 5
    assert out.splitlines()[-1] == "tiny@2 is in service, in place of tiny@1"
    assert told == [True]
    row = json.loads(har("history", "--json")[1])
    assert (row["id"], row["model"], row["who"], row["why"]) == (1, "tiny@2", "ada", "more photos")
    assert "ada promoted tiny@2 (before: tiny@1); more photos" in har("history")[1]


def test_json_says_what_was_recorded_and_nothing_else(made, har):
    made(2)
    code, out, _ = har("promote", "tiny@2", "--json")
    row = json.loads(out)
    assert (code, row["action"], row["model"], row["before"]) == (0, "promote", "tiny@2", "tiny@1")
    assert [check["name"] for check in row["checks"]] == ["files", "golden", "parity", "figures", "latency"]
    assert json.loads(har("rollback", "--json")[1])["model"] == "tiny@1"


def test_a_refusal_exits_with_1_says_which_check_failed_and_changes_nothing(made, har, told):
    made(2, evaluation=evaluation(0.6))
    code, out, err = har("promote", "tiny@2")
    assert code == 1
    assert "FAILED  It is not worse" in out
    assert "tiny@2 is not put in service" in err
    row = json.loads(har("promote", "tiny@2", "--json")[1])
    assert row["error"]["code"] == "promotion_refused"
    assert [check["name"] for check in row["checks"] if not check["passed"]] == ["figures"]
    assert (serving.in_service(), told) == ("tiny@1", [])


def test_a_reason_overrides_and_is_shown(made, har):
    made(2, evaluation=evaluation(0.6))
    assert har("promote", "tiny@2", "--override", "by hand")[0] == 0
    assert "although a check failed: by hand" in har("history")[1]


def test_no_reason_overrides_a_wrong_byte(made, har):
    spoil(made(2), bundles.TFLITE)
    code, _, err = har("promote", "tiny@2", "--override", "I insist")
    assert code == 1
    assert "model.tflite was changed" in err
    assert serving.in_service() == "tiny@1"


def test_rollback_goes_back_and_says_when_there_is_nothing_to_go_back_to(made, har):
    made(2)
    har("promote", "tiny@2")
    code, out, _ = har("rollback", "--why", "complaints")
    assert code == 0
    assert out.splitlines()[-1] == "tiny@1 is in service, in place of tiny@2"
    assert "ada rolled back to tiny@1 (before: tiny@2); complaints" in har("history")[1]
    code, out, err = har("rollback")
    assert (code, out) == (1, "")
    assert "nothing to go back to" in err


def test_a_list_marks_the_model_in_service_and_carries_what_is_known(made, har):
    made(2)
    har("promote", "tiny@2")
    assert [line[:8] for line in har("list")[1].splitlines()] == ["* tiny@2", "  tiny@1"]
    first, second = map(json.loads, har("list", "--json")[1].splitlines())
    assert (first["in_service"], second["in_service"]) == (True, False)
    assert first["latency_ms"] > 0, "it was measured when it was examined"
    assert second["latency_ms"] is None
    assert first["size"] == serving.find("tiny@2").size
    assert first["dataset"] == {"fingerprint": "0"}
    assert first["metrics"]["accuracy"]["value"] == 0.8
    shown = json.loads(har("show", "tiny@1", "--json")[1])
    assert shown["latency_ms"] > 0
    assert "tiny@2, in service" in har("show", "tiny@2")[1]


def test_a_damaged_history_hides_no_model(made, har, home):
    made(2)
    (home / "serving.json").write_text("{")
    code, out, err = har("list")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert "remove it" in err
    code, out, err = har("promote", "tiny@2")
    assert (code, out) == (1, "")


def test_an_exported_model_is_imported_and_not_in_service(made, har, tmp_path, use_setting, told):
    made(2)
    code, out, _ = har("export", "tiny@2", "--format", "bundle", "-o", tmp_path / "tiny.zip", "--json")
    assert (code, json.loads(out)["bytes"]) == (0, (tmp_path / "tiny.zip").stat().st_size)
    use_setting("HOME", tmp_path / "another")
    use_setting("SHIPPED_MODELS", tmp_path / "none")
    code, out, err = har("import", tmp_path / "tiny.zip", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["folder"] == str(tmp_path / "another" / "models" / "tiny@2")
    assert told == [True]
    assert har("verify", "tiny@2")[0] == 0


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_a_file_that_cannot_be_imported_is_named(har, tmp_path, content, told):
    path = tmp_path / "tiny.zip"
    if content:
        path.write_bytes(content)
    code, out, err = har("import", path)
    assert (code, out, told) == (1, "", [])
    assert f"{path} is not taken in. It " in err


def test_an_export_does_not_overwrite(made, har, tmp_path):
    made(2)
    (tmp_path / "tiny.zip").write_text("mine")
    assert har("export", "tiny@2", "--format", "bundle", "-o", tmp_path / "tiny.zip")[0] == 1
    assert (tmp_path / "tiny.zip").read_text() == "mine"
    assert har("export", "tiny@2", "--format", "bundle", "-o", tmp_path / "tiny.zip" / "below")[0] == 1


@pytest.mark.parametrize("args", [["promote"], ["promote", "a@1", "--reason"], ["import"], ["rollback", "tiny@1"]])
def test_wrong_usage_exits_with_2(har, args):
    assert har(*args)[0] == 2
