import json
import shutil

import pytest

from har_core import serving
from har_core.config import settings
from har_core.errors import BundleBroken, HistoryBroken, ModelNotFound, PromotionRefused
from har_core.serving import Entry
from tests.bundles import variant


def record(model: str, action: str = "promote") -> None:
    """Puts a model in service without examining it."""
    entry = Entry(
        id=len(serving.history()) + 1,
        action=action,
        model=model,
        digest=serving.find(model).digest,
        before=serving.in_service(),
        who="ada",
        checks=[],
    )
    serving.put(entry)


@pytest.fixture
def two_versions(tiny_bundle, use_setting):
    second = shutil.copytree(tiny_bundle.folder, tiny_bundle.folder.parent / "tiny@10")
    info = second / "bundle.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "version": 10}))
    use_setting("SHIPPED_MODELS", second.parent)
    return second.parent


def test_a_name_means_its_newest_version(two_versions):
    assert serving.find("tiny").info.version == 10
    assert serving.find("tiny@1").info.version == 1
    assert serving.find(str(two_versions / "tiny@1")).info.version == 1


@pytest.mark.parametrize("reference", ["none", "tiny@7", "../tiny", "tiny@", "x" * 300, ""])
@pytest.mark.usefixtures("two_versions")
def test_an_unknown_name_lists_the_known_ones(use_setting, reference):
    use_setting("MODEL", "elsewhere")
    with pytest.raises(ModelNotFound, match="tiny@10, tiny@1"):
        serving.find(reference)


def test_a_broken_bundle_does_not_hide_the_others(two_versions):
    (two_versions / "tiny@10" / "bundle.json").write_text("{")
    good, errors = serving.bundles()
    assert [bundle.info.version for bundle in good] == [1]
    assert len(errors) == 1


def test_a_folder_must_be_named_for_what_it_holds(two_versions):
    (two_versions / "tiny@1").rename(two_versions / "other@1")
    with pytest.raises(BundleBroken, match="tiny@1"):
        serving.find("other")


def test_half_written_bundles_are_not_seen(two_versions):
    shutil.copytree(two_versions / "tiny@1", two_versions / ".tiny@2-abc")
    assert [folder.name for folder in serving.folders()] == ["tiny@10", "tiny@1"]


def test_people_may_choose_among_the_models_that_ship_the_one_of_the_settings_first(two_versions, use_setting):
    shutil.copytree(two_versions / "tiny@1", two_versions / "small@1")
    use_setting("MODEL", "tiny")
    assert serving.offered() == ["tiny", "small"]
    use_setting("MODEL", "tiny@1")
    assert serving.offered() == ["tiny@1", "small"]


def test_the_settings_name_the_model_in_service_until_one_is_promoted(made):
    made(2)
    assert serving.in_service() == "tiny@1"
    record("tiny@2")
    assert serving.in_service() == "tiny@2"
    assert serving.find().info.version == 2
    assert [(entry.model, entry.before, entry.who) for entry in serving.history()] == [("tiny@2", "tiny@1", "ada")]


def test_a_version_in_the_settings_is_not_moved_by_the_history(made, use_setting):
    made(2)
    record("tiny@2")
    use_setting("MODEL", "tiny@1")
    assert serving.is_pinned()
    assert serving.in_service() == "tiny@1"
    assert serving.find().info.version == 1
    assert serving.offered() == ["tiny@1"]


def test_a_folder_in_the_settings_is_the_model_in_service(made, use_setting):
    folder = made(2).folder
    use_setting("MODEL", folder)
    assert serving.in_service() == str(folder)
    assert serving.find().info.version == 2


def test_a_name_means_the_version_that_was_last_put_in_service_and_not_taken_back(made):
    for version in (2, 3, 4):
        made(version)
    assert serving.find("tiny").info.version == 1, "none was promoted: the one that ships"
    record("tiny@3")
    record("tiny@2")
    assert serving.find("tiny").info.version == 2
    record("tiny@3", "rollback")
    assert serving.find("tiny").info.version == 3
    assert serving.find("tiny@4").info.version == 4
    assert serving.stack() == ["tiny@1", "tiny@3"]


def test_a_name_that_was_rolled_back_from_does_not_mean_that_version_any_more(made, tiny_bundle):
    made(2)
    variant(tiny_bundle, settings().home / "models", name="other")
    record("other@1")
    record("tiny@2")
    record("other@1", "rollback")
    assert serving.in_service() == "other@1"
    assert serving.find("tiny").info.version == 1


def test_people_may_also_choose_what_was_put_in_service(made, tiny_bundle):
    made(2)
    variant(tiny_bundle, settings().home / "models", name="other")
    assert serving.offered() == ["tiny"]
    record("other@1")
    assert serving.offered() == ["other", "tiny"]
    record("tiny@2")
    assert serving.offered() == ["tiny", "other"]


def test_who_comes_second_is_told(made):
    made(2)
    entry = Entry(id=1, action="promote", model="tiny@2", digest="", before="tiny@1", who="ada", checks=[])
    serving.put(entry)
    with pytest.raises(PromotionRefused, match="Meanwhile tiny@2"):
        serving.put(entry.model_copy(update={"who": "bob"}))
    assert [kept.who for kept in serving.history()] == ["ada"]


def test_a_description_that_was_changed_in_service_is_noticed(made):
    bundle = made(2)
    record("tiny@2")
    info = bundle.folder / "bundle.json"
    info.write_text(info.read_text().replace('"confidence": 0.9', '"confidence": 0.1'))
    with pytest.raises(BundleBroken, match="changed since"):
        serving.find()


def test_a_damaged_history_is_said_with_the_way_out(made, home):
    made(2)
    record("tiny@2")
    (home / "serving.json").write_text("[{")
    for ask in (serving.in_service, serving.history, serving.find, serving.offered, lambda: serving.find("tiny")):
        with pytest.raises(HistoryBroken, match="remove it"):
            ask()
    assert serving.find("tiny@2").info.version == 2


def test_the_stamp_changes_with_each_change(made, home):
    made(2)
    stamps = [serving.stamp()]
    for model, action in (("tiny@2", "promote"), ("tiny@1", "rollback"), ("tiny@2", "promote")):
        record(model, action)
        stamps.append(serving.stamp())
    assert stamps[0] is None
    assert len(set(stamps)) == 4
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []


def test_a_place_that_cannot_be_written_is_said(made, home):
    made(2)
    (home / "serving.json").mkdir()
    with pytest.raises(HistoryBroken, match=r"serving\.json"):
        serving.history()
