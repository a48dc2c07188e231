"""What a model has to show before it is put in service, and the way back."""

import json
import shutil

import pytest
from PIL import Image

from har_core import bundle as bundles
from har_core import promotion, serving
from har_core.bundle import Bundle
from har_core.datasets import ingest
from har_core.datasets.manifest import fingerprint, taught
from har_core.datasets.sources import table
from har_core.errors import ModelNotFound, PromotionRefused
from tests.bundles import PARITY, evaluation, spoil
from tests.conftest import TINY_LABELS


def failed(checks) -> list[str]:
    return [check.name for check in checks if not check.passed]


def refused(reference: str, **words) -> PromotionRefused:
    """Nothing changes where a model is refused."""
    before = serving.in_service(), serving.history()
    with pytest.raises(PromotionRefused) as error:
        promotion.promote(reference, "ada", **words)
    assert (serving.in_service(), serving.history()) == before
    return error.value


@pytest.fixture
def photos(tmp_path):
    """Thirty test photos, of the three colours in turn."""
    lines = ["path,label,split"]
    for number in range(30):
        colour = TINY_LABELS[number % 3]
        Image.new("RGB", (30 + number, 30), colour).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{colour},test")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return ingest.ingest("photos", table.read(tmp_path / "labels.csv"))


def made_of(photos) -> dict[str, str]:
    """What the bundle of a model says that was tested on these photos."""
    return {"name": photos.name, "fingerprint": fingerprint(taught(photos.manifest(), TINY_LABELS))}


def test_a_model_that_passes_is_in_service_and_the_history_says_who_when_and_why(made):
    bundle = made(2)
    entry = promotion.promote("tiny@2", "ada", why="  more\nphotos\x1b ")
    assert serving.in_service() == "tiny@2"
    assert serving.history() == [entry]
    assert (entry.action, entry.who, entry.why, entry.override) == ("promote", "ada", "more photos", "")
    assert (entry.before, entry.digest) == ("tiny@1", bundle.digest)
    assert [check.name for check in entry.checks] == ["files", "golden", "parity", "figures", "latency"]
    assert failed(entry.checks) == []


@pytest.mark.parametrize("name", [bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD])
def test_a_wrong_byte_in_any_file_is_caught_and_no_reason_overrides_it(made, name):
    spoil(made(2), name)
    error = refused("tiny@2", override="I insist")
    assert failed(error.checks) == ["files"]
    assert name in str(error)
    assert "can override" not in str(error)


def test_wrong_answers_are_caught_though_every_digest_is_right(made):
    made(2, temperature=2.0)
    error = refused("tiny@2", override="I insist")
    assert failed(error.checks) == ["golden"]


@pytest.mark.parametrize(
    "golden",
    [
        {"tolerance": 1e9},
        {"count": 10**9},
        {"probabilities": []},
        {"probabilities": [[1.0]] * 3},
        {"seed": -1},
    ],
)
def test_golden_answers_that_ask_for_nothing_do_not_count(made, golden):
    bundle = made(2)
    path = bundle.folder / bundles.GOLDEN
    path.write_text(json.dumps({**json.loads(path.read_text()), **golden}))
    rewrite_digest(bundle, bundles.GOLDEN)
    assert failed(refused("tiny@2", override="I insist").checks) == ["golden"]


def rewrite_digest(bundle: Bundle, name: str) -> None:
    """As somebody does who wants it to look whole."""
    import hashlib

    digest = hashlib.sha256((bundle.folder / name).read_bytes()).hexdigest()
    info = bundle.info.model_copy(update={"sha256": {**bundle.info.sha256, name: digest}})
    (bundle.folder / bundles.INFO).write_text(info.model_dump_json())


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"exports": []}, "parity"),
        ({"exports": [PARITY[0].model_copy(update={"parity": None})]}, "parity"),
        ({"exports": [PARITY[0].model_copy(update={"parity": 0.5})]}, "parity"),
        ({"exports": [PARITY[0].model_copy(update={"parity": float("nan")})]}, "parity"),
        ({"exports": [PARITY[0].model_copy(update={"precision": "float16"})]}, "parity"),
        ({"evaluation": evaluation(0.7)}, "figures"),
        ({"evaluation": evaluation(0.8, macro_f1=0.7)}, "figures"),
        ({"evaluation": evaluation(0.8).model_copy(update={"metrics": {}})}, "figures"),
        ({"evaluation": evaluation(0.8).model_copy(update={"split": "val"})}, "figures"),
        ({"evaluation": evaluation(float("nan"))}, "figures"),
        ({"dataset": {"fingerprint": "another"}}, "figures"),
    ],
)
def test_what_does_not_pass_needs_a_typed_reason_which_is_recorded(made, changes, check):
    made(2, **changes)
    error = refused("tiny@2", override="  ")
    assert failed(error.checks) == [check]
    assert "A reason can override" in str(error)
    entry = promotion.promote("tiny@2", "ada", override="looked at by hand")
    assert serving.in_service() == "tiny@2"
    assert serving.history()[0].override == "looked at by hand"
    assert failed(entry.checks) == [check]


def test_a_reason_that_was_not_needed_is_not_recorded_as_an_override(made):
    made(2)
    assert promotion.promote("tiny@2", "ada", override="just in case").override == ""


def test_figures_a_little_lower_than_those_of_the_model_in_service_pass(made):
    made(2, evaluation=evaluation(0.77, macro_f1=0.76))
    promotion.promote("tiny@2", "ada")


def test_a_model_over_the_latency_budget_is_refused(made, use_setting):
    made(2)
    use_setting("LATENCY_BUDGET_MS", 1e-6)
    assert failed(refused("tiny@2").checks) == ["latency"]


def test_where_the_photos_are_here_both_models_are_asked_about_them(made, photos):
    made(2, dataset=made_of(photos), evaluation=evaluation(0.1))
    told = []
    entry = promotion.promote("tiny@2", "ada", progress=lambda *step: told.append(step))
    (figures,) = [check for check in entry.checks if check.name == "figures"]
    assert "30 photos of photos" in figures.detail
    assert "accuracy +0.000 (+0.000 to +0.000)" in figures.detail
    assert told


def test_a_model_that_answers_worse_on_these_photos_fails_whatever_its_bundle_says(made, photos):
    bundle = made(2, dataset=made_of(photos), evaluation=evaluation(0.99), labels=["green", "blue", "red"])
    # The same network with its labels mixed up: all its digests and golden answers are right.
    assert failed(refused("tiny@2").checks) == ["figures"]
    assert bundle.info.evaluation.metrics["accuracy"].value == 0.99


def test_a_fix_to_the_dataset_makes_it_another_one(made, photos):
    made(2, dataset=made_of(photos))
    photos.apply("exclude", [photos.base()["path"][0]])
    error = refused("tiny@2")
    assert failed(error.checks) == ["figures"]
    assert "not here" in str(error)


def test_a_model_that_lacks_labels_cannot_pass_without_a_reason(made):
    bundle = made(2)
    info = bundle.info.model_copy(update={"labels": ["red", "green", "violet"]})
    (bundle.folder / bundles.INFO).write_text(info.model_dump_json())
    error = refused("tiny@2")
    assert failed(error.checks) == ["figures"]
    assert "blue" in str(error)


def test_where_the_model_in_service_is_broken_another_needs_a_reason(made, tmp_path):
    made(2)
    (tmp_path / "shipped" / "tiny@1" / bundles.KERAS).unlink()
    with pytest.raises(PromotionRefused, match="nothing to compare") as error:
        promotion.promote("tiny@2", "ada")
    assert failed(error.value.checks) == ["figures"]
    promotion.promote("tiny@2", "ada", override="the other one is broken")
    assert serving.in_service() == "tiny@2"


def test_where_nothing_is_in_service_a_reason_puts_the_first_one_there(made, use_setting):
    made(2)
    use_setting("MODEL", "elsewhere")
    entry = promotion.promote("tiny@2", "ada", override="the first one")
    assert (entry.before, serving.in_service()) == ("", "tiny@2")
    with pytest.raises(PromotionRefused):
        promotion.roll_back("ada")
    assert serving.in_service() == "tiny@2"


@pytest.mark.parametrize("reference", ["tiny", "FOLDER", "tiny@2/", "../models/tiny@2"])
def test_only_a_name_with_a_version_can_be_promoted(made, reference, monkeypatch, home):
    bundle = made(2)
    monkeypatch.chdir(home / "models")
    error = refused(str(bundle.folder) if reference == "FOLDER" else reference)
    assert "NAME" in str(error) or "version" in str(error)


@pytest.mark.usefixtures("made")
def test_a_model_that_is_not_there_is_said():
    with pytest.raises(ModelNotFound, match="Known models: tiny@1"):
        promotion.promote("tiny@7", "ada")


@pytest.mark.usefixtures("made")
def test_the_model_in_service_is_not_promoted_again():
    assert "already" in str(refused("tiny@1"))


def test_a_pinned_model_stays(made, use_setting):
    made(2)
    promotion.promote("tiny@2", "ada")
    use_setting("MODEL", "tiny@1")
    assert "HAR_MODEL" in str(refused("tiny@2"))
    with pytest.raises(PromotionRefused, match="HAR_MODEL"):
        promotion.roll_back("ada")


def test_a_reason_of_a_thousand_characters_is_enough(made):
    made(2)
    assert "1000" in str(refused("tiny@2", why="x" * 1001))
    promotion.promote("tiny@2", "ada", why="x" * 1000)


def test_who_was_overtaken_while_examining_changes_nothing(made, monkeypatch):
    made(2)
    made(3)
    examine = promotion.examine

    def slowly(bundle, progress):
        if bundle.info.version == 2:
            promotion.promote("tiny@3", "bob")
        return examine(bundle, progress)

    monkeypatch.setattr(promotion, "examine", slowly)
    with pytest.raises(PromotionRefused, match="Meanwhile tiny@3"):
        promotion.promote("tiny@2", "ada")
    assert [entry.model for entry in serving.history()] == ["tiny@3"]


def test_each_rollback_goes_one_further_back_down_to_what_the_settings_name(made):
    for version in (2, 3):
        made(version)
        promotion.promote(f"tiny@{version}", "ada")
    entry = promotion.roll_back("bob", why="complaints")
    assert (entry.action, entry.model, entry.before) == ("rollback", "tiny@2", "tiny@3")
    assert (entry.who, entry.why) == ("bob", "complaints")
    assert [check.name for check in entry.checks] == ["files", "golden"]
    assert promotion.roll_back("bob").model == "tiny@1"
    assert serving.in_service() == "tiny@1"
    with pytest.raises(PromotionRefused, match="nothing to go back to"):
        promotion.roll_back("bob")
    assert len(serving.history()) == 4
    promotion.promote("tiny@3", "ada")
    assert promotion.roll_back("ada").model == "tiny@1"


@pytest.mark.parametrize("harm", ["gone", "wrong byte", "description", "half copied"])
def test_a_model_that_is_broken_or_gone_is_not_gone_back_to(made, harm):
    bundle = made(2)
    promotion.promote("tiny@2", "ada")
    made(3)
    promotion.promote("tiny@3", "ada")
    if harm == "gone":
        shutil.rmtree(bundle.folder)
    elif harm == "wrong byte":
        spoil(bundle, bundles.TFLITE)
    elif harm == "description":
        info = bundle.folder / bundles.INFO
        info.write_text(info.read_text().replace('"confidence": 0.9', '"confidence": 0.1'))
    else:
        (bundle.folder / bundles.KERAS).unlink()
    with pytest.raises(PromotionRefused):
        promotion.roll_back("ada")
    assert serving.in_service() == "tiny@3"
    assert len(serving.history()) == 2


def test_figures_of_the_bundle_are_shown_in_words(made):
    made(2, evaluation=evaluation(0.7))
    checks = promotion.examine(serving.find("tiny@2"))
    (figures,) = [check for check in checks if check.name == "figures"]
    assert "accuracy 0.700, that of tiny@1 0.800 (0.750–0.850)" in figures.detail
