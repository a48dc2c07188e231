"""What hosts take over from MLflow's registry, and what they refuse."""

import errno
import json
import shutil
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from har_cli import models as cli
from har_core import bundle as bundles
from har_core import config, promotion, serving
from har_core.bundle import Bundle
from har_core.errors import HistoryBroken, ImportRefused, PromotionRefused, RegistryUnreachable
from har_core.files import locked
from tests.bundles import spoil, variant
from tests.training.conftest import empty_mlflow  # noqa: F401 - a fixture
from training import pull, registry, tracking


@pytest.fixture
def trains(made, empty_mlflow, monkeypatch, tmp_path):  # noqa: F811
    """Makes versions of the tiny model on the host that promotes; MLflow is a database that both hosts reach."""
    shutil.copyfile(empty_mlflow, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    config.settings.cache_clear()
    return made


@pytest.fixture
def serves(tmp_path, monkeypatch):
    """What is done in the block is done on the host that follows."""

    @contextmanager
    def serve(**settings: str):
        with monkeypatch.context() as patch:
            for name, value in ({"HOME": str(tmp_path / "serves"), "FOLLOW": "true"} | settings).items():
                patch.setenv(f"HAR_{name}", value)
            config.settings.cache_clear()
            yield tmp_path / "serves"
        config.settings.cache_clear()

    return serve


def put(reference: str, who: str = "ada") -> None:
    promotion.promote(reference, who)
    assert registry.mirror()


def version(reference: str):
    (found,) = [one for one in tracking.client().search_model_versions() if one.tags[registry.MODEL] == reference]
    return found


def tag(reference: str, name: str, value: str) -> None:
    found = version(reference)
    tracking.client().set_model_version_tag(found.name, found.version, name, value)


def test_what_is_in_service_is_put_in_service_once(trains, serves):
    digest = trains(2).digest
    put("tiny@2")
    with serves() as home:
        assert pull.in_service()[1:] == (True, True)
        stamp = serving.stamp()
        assert pull.in_service()[1:] == (False, False)
        assert serving.stamp() == stamp, "nothing is written where nothing is new"
        assert serving.find().digest == digest
        assert serving.find("tiny").reference == "tiny@2", "a name means there what it means here"
        assert [path.name for path in (home / "models").iterdir()] == ["tiny@2"]


def test_before_any_promotion_it_is_the_one_that_ships(trains, serves):
    trains(2)
    assert registry.mirror()
    with serves() as home:
        assert pull.in_service().bundle.reference == "tiny@1"
        assert not (home / "models").exists(), "it is here already"


def test_a_host_that_follows_promotes_nothing_and_one_that_does_not_takes_nothing_over(trains, serves):
    trains(2)
    put("tiny@2")
    with pytest.raises(PromotionRefused, match="HAR_FOLLOW"):
        pull.in_service()
    with serves():
        pull.in_service()
        with pytest.raises(PromotionRefused, match="HAR_FOLLOW"):
            promotion.promote("tiny@1", "ada")
        with pytest.raises(PromotionRefused, match="HAR_FOLLOW"):
            promotion.roll_back("ada")


def test_a_bundle_with_a_wrong_byte_is_refused(trains, serves):
    bundle = trains(2)
    put("tiny@2")
    for name in (bundles.TFLITE, bundles.INFO, bundles.CARD):
        spoil(bundle, name)  # It is from there that it is fetched: a database keeps no files.
        with serves() as home:
            with pytest.raises(ImportRefused):
                pull.in_service()
            assert serving.in_service() == "tiny@1"
            assert list((home / "models").iterdir()) == []
        spoil(bundle, name)  # Which makes it sound again.
    with serves():
        assert pull.in_service().bundle.reference == "tiny@2"


def test_another_bundle_than_the_one_that_was_promised_is_refused(trains, serves):
    bundle = trains(2)
    put("tiny@2")
    content = json.loads((bundle.folder / bundles.INFO).read_text())
    (bundle.folder / bundles.INFO).write_text(json.dumps(content | {"temperature": 2.0}))
    with serves(), pytest.raises(ImportRefused, match="promised"):
        pull.in_service()


def test_files_that_no_bundle_has_are_not_even_fetched(trains, serves):
    bundle = trains(2)
    put("tiny@2")
    for name in ("evil.py", "..%2fevil"):
        (bundle.folder / name).write_text("")
        with serves(), pytest.raises(ImportRefused, match="no place in a bundle"):
            pull.in_service()
        (bundle.folder / name).unlink()


def test_a_model_by_a_name_that_leads_elsewhere_is_refused(trains, serves):
    trains(2)
    put("tiny@2")
    before = "tiny@2"
    for reference in ("../../evil@1", "tiny@0", "/etc@1"):
        tag(before, registry.MODEL, before := reference)
        with serves(), pytest.raises(ImportRefused):
            pull.in_service()


def test_a_history_that_makes_no_sense_or_that_a_terminal_would_obey_changes_nothing(trains, serves):
    trains(2)
    put("tiny@2")
    entries = json.loads(version("tiny@2").tags[registry.HISTORY])
    for history in ("{", '[{"id": 1}]', "null", json.dumps([entries[0] | {"why": "\x1b[2J"}])):
        tag("tiny@2", registry.HISTORY, history)
        with serves():
            with pytest.raises(HistoryBroken):
                pull.in_service()
            assert serving.in_service() == "tiny@1"


def test_settings_that_contradict_each_other_are_said(trains, serves, use_setting):
    trains(2)
    trains(3)
    put("tiny@2")
    with serves(MODEL="tiny@1"), pytest.raises(PromotionRefused, match="HAR_MODEL"):
        pull.in_service()
    with serves():
        pull.in_service()
    use_setting("MODEL", "tiny@3")
    assert registry.mirror()
    with serves(MODEL="tiny"):
        with pytest.raises(PromotionRefused, match="HAR_MODEL"):
            pull.in_service()
        assert serving.in_service() == "tiny@2"
    with serves(MODEL="tiny@3"):
        pull.in_service()
        assert serving.find().reference == "tiny@3"


def test_a_place_that_another_model_has_taken_is_said(trains, serves, tiny_bundle):
    trains(2)
    put("tiny@2")
    with serves() as home:
        variant(tiny_bundle, home / "models", version=2, temperature=3.0)
        with pytest.raises(ImportRefused, match="Another model is here as tiny@2"):
            pull.in_service()


def test_two_hosts_with_a_model_of_the_same_name_get_each_its_own_version(trains, serves, tiny_bundle):
    ours = trains(2).digest
    assert registry.mirror()
    with serves(FOLLOW="false") as home:
        theirs = variant(tiny_bundle, home / "models", version=2, temperature=3.0).digest
        assert registry.mirror()
    found = {one.tags[registry.DIGEST] for one in tracking.client().search_model_versions("name = 'tiny'")}
    assert {ours, theirs} <= found


def test_models_of_other_projects_keep_their_alias_and_are_not_taken_for_ours(trains, serves, monkeypatch):
    client = tracking.client()
    for name in ("a-stranger", "zebra"):
        client.create_registered_model(name)
        client.create_model_version(name, "s3://elsewhere/model")
        client.set_registered_model_alias(name, registry.ALIAS, "1")
    search = type(client).search_registered_models  # One model a page.
    monkeypatch.setattr(
        type(client), "search_registered_models", lambda *args, **how: search(*args, **how, max_results=1)
    )
    trains(2)
    trains(3, name="other")
    put("tiny@2")
    put("other@3")
    assert [version.name for version in registry.aliased(client)] == ["other"], "it has left the one before"
    assert [client.get_model_version_by_alias(name, registry.ALIAS).version for name in ("a-stranger", "zebra")]
    with serves():
        assert pull.in_service().bundle.reference == "other@3"


def test_a_model_can_be_taken_over_without_putting_it_in_service(trains, serves):
    trains(2)
    trains(10, name="other")
    trains(9, name="other")
    assert registry.mirror()
    with serves():
        assert pull.model("other").bundle.reference == "other@10"
        assert pull.model("other@9").is_new
        assert not pull.model("other@9").is_new
        assert serving.in_service() == "tiny@1"
        for reference in ("other@8", "nothing", "a' OR 'b", "../x"):
            with pytest.raises(RegistryUnreachable, match="no model"):
                pull.model(reference)


def test_a_host_that_was_told_of_no_mlflow_says_so(serves, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with serves(), pytest.raises(RegistryUnreachable, match="MLFLOW_TRACKING_URI"):
        pull.in_service()


def test_files_on_another_host_s_disk_are_said_to_be_out_of_reach(trains, serves):
    bundle = trains(2)
    put("tiny@2")
    shutil.rmtree(bundle.folder)
    with serves(), pytest.raises((ImportRefused, RegistryUnreachable)):
        pull.in_service()


def test_it_is_tried_again_and_said_once_why_it_does_not_work(trains, serves, monkeypatch):
    trains(2)
    put("tiny@2")
    open_store, slept, told, complaints = tracking.client, [], [], []

    class Enough(Exception):
        pass

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 10:
            monkeypatch.setattr(tracking, "client", open_store)
        if len(slept) == 12:
            raise Enough

    def unreachable():
        raise OSError("Connection refused")

    monkeypatch.setattr(pull, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(tracking, "client", unreachable)
    with serves(), pytest.raises(Enough):
        pull.follow(5, told.append, complaints.append)
    assert slept == [10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 5, 5]
    assert [line.count("Connection refused") for line in complaints] == [1]
    assert [pulled[1:] for pulled in told] == [(True, True)]


def test_a_disk_that_takes_nothing_more_does_not_end_it(trains, serves, monkeypatch):
    trains(2)
    put("tiny@2")
    told, complaints = [], []

    class Enough(Exception):
        pass

    def sleep(_seconds: float) -> None:
        if told:
            raise Enough
        monkeypatch.setattr(pull, "locked", locked)

    def full(_path):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(pull, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(pull, "locked", full)
    with serves(), pytest.raises(Enough):
        pull.follow(5, told.append, complaints.append)
    assert len(complaints) == 1
    assert "Read-only file system" in complaints[0]
    assert told[0].bundle.reference == "tiny@2"


@pytest.fixture
def har(monkeypatch):
    monkeypatch.setattr(registry, "mirror_soon", lambda: None)

    def run(*args):
        done = CliRunner().invoke(cli.app, list(args))
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


def test_the_command_says_what_it_did(trains, serves, har):
    digest = trains(2).digest
    put("tiny@2")
    assert har("pull")[0] == 1
    assert har("pull", "tiny", "--every", "5")[0] == 2
    assert har("pull", "--every", "5")[0] == 1
    with serves():
        assert har("pull")[1] == "tiny@2: taken over, and now in service\n"
        assert har("pull")[1] == "tiny@2: here already, and in service\n"
        code, out, err = har("pull", "--json")
        row = {"model": "tiny@2", "digest": digest, "pulled": False, "put_in_service": False}
        assert (code, json.loads(out), err) == (0, row, "")
        code, out, err = har("pull", "nothing")
        assert (code, out) == (1, "")
        assert "no model nothing" in err
        assert "ada promoted tiny@2" in har("history")[1]


def test_what_could_not_be_told_is_told_later(trains, monkeypatch):
    trains(2)
    started = []
    monkeypatch.setattr(registry.background, "start", lambda *arguments: started.append(arguments))
    registry.catch_up()
    assert started == []
    registry.mirror_soon()
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "client", lambda: 1 / 0)
        assert not registry.mirror()
    registry.catch_up()
    assert len(started) == 2
    assert registry.mirror()
    registry.catch_up()
    assert len(started) == 2


def test_a_history_that_is_too_long_for_mlflow_loses_its_beginning(trains, serves, monkeypatch):
    for number in (2, 3):
        trains(number)
    put("tiny@2", "a" * 1000)
    monkeypatch.setattr(registry, "_MOST_HISTORY", 1200)
    put("tiny@3")
    with serves():
        pull.in_service()
        assert [entry.model for entry in serving.history()] == ["tiny@3"]
        assert serving.stack() == ["tiny@2", "tiny@3"]
        assert isinstance(serving.find(), Bundle)
