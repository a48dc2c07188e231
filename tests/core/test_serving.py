import json
import shutil

import pytest

from har_core import serving
from har_core.errors import BundleBroken, ModelNotFound


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
