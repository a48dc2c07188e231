import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from har_core import bundle as bundles
from har_core import latency, promotion, serving, transfer
from har_core.bundle import Bundle, Export, Metric
from har_core.config import PROJECT_ROOT, settings
from har_core.datasets import ingest, manifest
from har_core.datasets.sources import table
from har_ui import page
from har_ui.models import card, tables
from tests.conftest import TINY_LABELS
from tests.ui.apps import button, has_button, page_at, raw_texts, run, texts
from tests.ui.test_training_page import made
from training import registry

GOOD = {
    "precision": "float32",
    "exports": [Export(precision="float32", size=1000, accuracy=1, milliseconds=1, parity=0)],
}
METRICS = {
    "accuracy": Metric(value=0.9, low=0.8, high=0.95),
    "macro_f1": Metric(value=0.85, low=0.7, high=0.9),
}


@pytest.fixture(autouse=True)
def mirrored(monkeypatch):
    """Keeps MLflow out of it; gives how often it would have been told."""
    st.cache_resource.clear()
    st.cache_data.clear()
    told: list[bool] = []
    monkeypatch.setattr(registry, "mirror_soon", lambda: told.append(True))
    yield told
    st.cache_resource.clear()


@pytest.fixture
def models(tiny_bundle, use_setting) -> Path:
    """The folder of the models that ship: ``tiny@1``, which is in service."""
    folder = tiny_bundle.folder.parent
    describe(tiny_bundle.folder, evaluation=tiny_bundle.info.evaluation.model_copy(update={"metrics": METRICS}))
    use_setting("SHIPPED_MODELS", folder)
    use_setting("MODEL", "tiny")
    return folder


def describe(folder: Path, **changes) -> None:
    info = Bundle(folder).info.model_copy(update=changes)
    (folder / bundles.INFO).write_text(info.model_dump_json(), "utf-8")


def add(models: Path, version: int, **changes) -> Path:
    """Another version of the tiny model, as one that was trained here."""
    folder = Path(shutil.copytree(models / "tiny@1", settings().home / "models" / f"tiny@{version}"))
    describe(folder, version=version, **{**GOOD, **changes})
    return folder


def write_card(folder: Path, text: str) -> None:
    (folder / bundles.CARD).write_text(text, "utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    describe(folder, sha256={**Bundle(folder).info.sha256, bundles.CARD: digest})


def spoil(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))


def open_section(section: str | None = None, **query) -> AppTest:
    chosen = {"tab": section} if section else {}
    return run(page_at("pages/models.py", **chosen, **query))


def field(app: AppTest, label: str, place: int = -1):
    return [item for item in app.text_input if item.label == label][place]


def check(app: AppTest) -> AppTest:
    return run(app.button(key="check").click())


# All models


def test_without_a_model_the_page_says_what_to_do(use_setting, tmp_path):
    use_setting("SHIPPED_MODELS", tmp_path)
    for section in ("All models", "Side by side", "History"):
        app = open_section(section)
        assert "There is no model" in texts(app)


def test_the_table_lists_all_models_and_what_is_wrong_with_some(models):
    add(models, 2, run="tiny-20261126-080000-aaaa", dataset={"name": "small", "fingerprint": "0"})
    spoil(add(models, 3) / bundles.KERAS)
    (add(models, 4) / bundles.GOLDEN).unlink()
    app = open_section()
    table = app.dataframe[0].value
    assert table["model"].tolist() == ["tiny@3", "tiny@2", "tiny@1"]
    assert [list(state) for state in table["state"]] == [["damaged"], [], ["in service"]]
    assert table["accuracy"].tolist() == [90, 90, 90]
    assert table["interval"].tolist()[1] == "80.0% – 95.0%"
    assert table["n"].tolist() == [3, 3, 3]
    assert table["run"].tolist()[1] == "tiny-20261126-080000-aaaa"
    assert table["dataset"].tolist()[1] == "small"
    assert "2 models cannot be used, and cannot get into service" in texts(app)
    assert "tiny@4 lacks its file golden.json" in texts(app)
    assert "tiny@3: model.keras was changed since the bundle was written" in texts(app)


def test_a_file_that_is_damaged_later_is_noticed(models):
    folder = add(models, 2)
    assert "cannot be used" not in texts(open_section())
    spoil(folder / bundles.TFLITE)
    app = open_section(model="tiny@2")
    assert "tiny@2: model.tflite was changed" in texts(app)
    assert [item.disabled for item in app.get("download_button") if item.label == "Export as zip"] == [True]


def test_the_one_in_service_is_shown_until_another_is_chosen(models):
    add(models, 2)
    app = open_section()
    assert app.query_params["model"] == "tiny@1"
    assert "It is in service" in texts(app)
    assert {metric.label: metric.value for metric in app.metric} == {"Accuracy": "90.0%", "Macro-F1": "85.0%"}
    assert app.metric[0].delta == "80.0% – 95.0%"
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app = run(app)
    assert app.query_params["model"] == "tiny@2"
    assert has_button(app, "Check it")
    assert "It is in service" in texts(open_section(model="nothing@7"))


@pytest.mark.usefixtures("models")
def test_speed_is_measured_here():
    app = open_section()
    assert "Not measured yet on this machine" in texts(app)
    app = run(app.button(key="measure").click())
    found = latency.known(serving.find("tiny@1"))
    assert f"{found:.1f} ms" in texts(app)
    assert app.dataframe[0].value["latency"].tolist() == [found]


def test_lineage_leads_to_the_run_as_long_as_it_is_there(models):
    done = made("done")
    add(models, 2, run=done.id, recipe={"name": "tiny", "phases": []}, dataset={"name": "gone", "train": 7, "val": "7"})
    said = texts(open_section(model="tiny@2"))
    assert done.id in said
    assert "which is not kept here" not in said
    assert "gone (7 train), fingerprint unknown: not here" in said
    add(models, 3, run="tiny-20261126-080000-gone", recipe={"no": {"recipe": ["of", "ours"]}})
    app = open_section(model="tiny@3")
    assert "tiny-20261126-080000-gone, which is not kept here" in texts(app)
    assert any('"ours"' in code.value for code in app.code)


def test_lineage_tells_whether_the_dataset_is_still_the_same(models, tmp_path):
    lines = ["path,label,split"]
    for number, label in enumerate((*TINY_LABELS, "rare") * 2):
        Image.new("RGB", (40, 40), (30 * number, 99, 0)).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{label},train")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    dataset = ingest.ingest("small", table.read(tmp_path / "labels.csv"))
    photos = dataset.manifest()
    fingerprint = manifest.fingerprint(photos[photos["label"] != "rare"])
    add(models, 2, dataset={"name": "small", "fingerprint": fingerprint})
    assert "just as it is here now" in texts(open_section(model="tiny@2"))
    dataset.apply("relabel", [photos["path"][0]], "blue")
    assert "the one here has changed since" in texts(open_section(model="tiny@2"))


def test_names_and_labels_cannot_become_mark_up(models):
    evil = "<img src=x>![x](http://x.invalid/x.png) $x$"
    folder = add(
        models,
        2,
        labels=[f"{evil}{number}" for number in range(3)],
        run=f"run {evil}",
        code_revision=f"`{evil}",
        dataset={"name": evil, "fingerprint": evil},
        evaluation=Bundle(models / "tiny@1").info.evaluation.model_copy(update={"split": evil}),
        created="yesterday",
    )
    write_card(folder, f"# {evil}\n![plot](http://x.invalid/y.png)\n")
    for app in (open_section(model="tiny@2"), open_section("Side by side", left="tiny@2", right="tiny@2")):
        shown = [str(item.value) for kind in (app.markdown, app.caption, app.header) for item in kind]
        assert any("img src" in text for text in shown)
        assert not [text for text in shown if re.search(r"(?<!\\)<img|(?<!\\)\]\(|(?<!\\)\$", text)]


def test_what_a_card_has_escaped_stays_so():
    assert card._harmless(r"| a\|b \[c\](d) [e] \\[f]") == r"| a\|b \[c\](d) \[e\] \\\[f\]"


# Into service


def test_a_model_that_passes_the_checks_is_put_into_service(models, mirrored):
    add(models, 2)
    app = check(open_section(model="tiny@2"))
    said = texts(app)
    assert said.count(":green[:material/check_circle:]") == 5
    assert "Not every check was passed" not in said
    app = run(button(app, "Put into service").click())
    assert "Say who you are" in texts(app)
    assert serving.in_service() == "tiny@1"
    field(app, "Your name").set_value(" Ada ")
    field(app, "What for (optional)").set_value("It knows more.")
    app = run(button(app, "Put into service").click())
    assert "tiny@2 is in service now" in texts(app)
    (entry,) = serving.history()
    assert (entry.model, entry.before, entry.who, entry.why) == ("tiny@2", "tiny@1", "Ada", "It knows more.")
    assert entry.override == ""
    assert mirrored == [True]
    assert "put into service by Ada" in texts(app)
    assert [list(state) for state in app.dataframe[0].value["state"]] == [["in service"], []]


def test_a_failed_check_is_only_overridden_by_a_reason_which_is_recorded(models):
    worse = Bundle(models / "tiny@1").info.evaluation.model_copy(
        update={"metrics": {**METRICS, "accuracy": Metric(value=0.5, low=0.4, high=0.6)}}
    )
    add(models, 2, evaluation=worse)
    app = check(open_section(model="tiny@2"))
    assert texts(app).count(":orange[:material/warning:]") == 1
    assert "Not every check was passed" in texts(app)
    field(app, "Your name").set_value("*Ada*")
    app = run(button(app, "Put into service").click())
    assert "A reason is needed" in texts(app)
    assert serving.history() == []
    field(app, "Reason to do it all the same").set_value("*Smaller*")
    app = run(button(app, "Put into service").click())
    (entry,) = serving.history()
    assert (entry.model, entry.override) == ("tiny@2", "*Smaller*")
    assert any(r"put into service by \*Ada\*" in text.value for text in app.markdown)
    # The history keeps it, and what was checked.
    app = open_section("History")
    assert app.dataframe[0].value["override"].tolist() == ["*Smaller*"]
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app = run(app)
    assert r"passed: \*Smaller\*" in app.warning[0].value
    assert texts(app).count(":green[:material/check_circle:]") == 4
    assert run(button(app, "Show the model").click()).query_params["model"] == "tiny@2"


def test_nothing_overrides_a_damaged_file(models):
    folder = add(models, 2)
    app = check(open_section(model="tiny@2"))
    field(app, "Your name").set_value("Ada")
    spoil(folder / bundles.TFLITE)
    app = run(button(app, "Put into service").click())
    assert "tiny@2 is not put in service" in texts(app)
    assert serving.in_service() == "tiny@1"
    app = check(open_section(model="tiny@2"))
    assert ":red[:material/cancel:]" in texts(app)
    assert "It cannot be put into service" in texts(app)
    assert not has_button(app, "Put into service")


def test_checks_hold_only_as_long_as_the_same_model_is_in_service(models):
    add(models, 2)
    add(models, 3)
    app = check(open_section(model="tiny@2"))
    assert has_button(app, "Put into service")
    promotion.promote("tiny@3", "somebody else")
    app = run(app)
    assert not has_button(app, "Put into service")
    assert has_button(app, "Check it")


def test_a_pinned_model_stays_and_the_page_says_so(models, use_setting):
    add(models, 2)
    promotion.promote("tiny@2", "Ada")
    use_setting("MODEL", "tiny@1")
    app = open_section(model="tiny@2")
    assert "`HAR_MODEL` pins the model in service to tiny@1" in texts(app)
    assert not has_button(app, "Check it")
    assert not has_button(app, "Roll back")
    assert "by Ada" not in texts(app)


def test_a_host_that_follows_others_promotes_nothing_and_the_page_says_so(models, use_setting):
    add(models, 2)
    add(models, 3)
    promotion.promote("tiny@2", "Ada")
    use_setting("FOLLOW", "true")
    app = open_section(model="tiny@3")
    assert "This host follows what is put in service elsewhere" in texts(app)
    assert "by Ada" in texts(app)
    assert not has_button(app, "Check it")
    assert not has_button(app, "Roll back")


def test_rolling_back_asks_for_a_name_and_is_recorded(models, mirrored):
    add(models, 2)
    app = open_section("History")
    assert not has_button(app, "Roll back")
    promotion.promote("tiny@2", "Ada")
    app = run(app)
    assert "Puts **tiny@1** back into service" in texts(app)
    app = run(button(app, "Roll back").click())
    assert "Say who you are" in texts(app)
    field(app, "Your name").set_value("Grace")
    field(app, "Why (optional)").set_value("Complaints")
    app = run(button(app, "Roll back").click())
    assert serving.in_service() == "tiny@1"
    assert mirrored == [True]
    assert "tiny@1 is back in service" in texts(app)
    table = app.dataframe[0].value
    assert table["what"].tolist() == ["put back", "put into service"]
    assert table["who"].tolist() == ["Grace", "Ada"]


def test_a_name_is_asked_for_once(models):
    add(models, 2)
    add(models, 3)
    app = check(open_section(model="tiny@2"))
    field(app, "Your name").set_value("Ada")
    run(button(app, "Put into service").click())
    app.query_params["model"] = "tiny@3"
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app = check(run(app))
    assert field(app, "Your name").value == "Ada"


def test_where_the_one_in_service_is_broken_the_way_back_is_open(models):
    folder = add(models, 2)
    promotion.promote("tiny@2", "Ada")
    (folder / bundles.GOLDEN).unlink()
    app = open_section()
    assert "tiny@2 lacks its file golden.json" in app.error[0].value.replace("\\", "")
    field(app, "Your name").set_value("Ada")
    app = run(button(app, "Roll back").click())
    assert "tiny@1 is back in service" in texts(app)


def test_a_damaged_history_is_said_and_the_models_are_listed_all_the_same(models, home):
    add(models, 2)
    home.mkdir(exist_ok=True)
    (home / "serving.json").write_text("[{")
    app = open_section()
    assert "serving.json is damaged" in texts(app)
    assert app.dataframe[0].value["model"].tolist() == ["tiny@2", "tiny@1"]
    assert "serving.json is damaged" in texts(open_section("History"))


@pytest.mark.usefixtures("models")
def test_no_history_yet_is_explained():
    assert "No model was put into service here yet" in texts(open_section("History"))


# Which model answers


def test_home_says_of_which_actions_the_figures_flatter(models):
    folder = models / "tiny@1"
    evaluation = Bundle(folder).info.evaluation.model_copy(update={"divided": ["red_*"]})
    describe(folder, evaluation=evaluation)
    said = raw_texts(run(page_at("Home.py")))
    assert r"for red \*, some of them show scenes that it learnt from, so **the figures flatter**" in said
    assert "not trained on" not in said


def test_the_pages_follow_the_model_in_service(models, monkeypatch):
    add(models, 2)
    monkeypatch.setattr("har_core.live._LOOK_SECONDS", 0.05)
    app = run(page_at("Home.py"))
    assert "version 1, on 3 photos of scenes that it was not trained on" in texts(app)
    promotion.promote("tiny@2", "Ada")
    follow(app, "version 2")
    promotion.roll_back("Ada")
    follow(app, "version 1")


def follow(app: AppTest, text: str) -> None:
    """Draws the page until it says so."""
    for _ in range(1000):
        if text in texts(run(app)):
            return
    raise AssertionError(texts(app))


def test_the_choice_of_a_visitor_moves_along_unless_it_was_another(models):
    other = Path(shutil.copytree(models / "tiny@1", models / "other@1"))
    describe(other, name="other", **GOOD)
    seen = open_predict()
    chose = run(open_predict().button_group(key="model").set_value("other"))
    promotion.promote("other@1", "Ada")
    assert run(seen).button_group(key="model").value == "other"
    promotion.roll_back("Ada")
    assert run(seen).button_group(key="model").value == "tiny"
    assert run(chose).button_group(key="model").value == "other"


def open_predict() -> AppTest:
    return run(page_at("pages/photos.py"))


def test_the_last_model_goes_on_answering_when_the_new_one_is_damaged(models):
    predictor = page.predictor_of(serving.find("tiny@1"))
    assert page.predictor_of(serving.find("tiny@1")) is predictor
    describe(models / "tiny@1", labels=["a", "b", "c"])
    assert page.predictor_of(serving.find("tiny@1")).labels == ["a", "b", "c"]


# Side by side


def test_two_models_answer_for_one_photo(models):
    add(models, 2, labels=["rot", "grün", "blau"])
    app = open_section("Side by side")
    assert [box.value for box in app.selectbox] == ["tiny@1", "tiny@2"]
    assert len(app.get("plotly_chart")) == 2
    assert "They differ" in texts(app)
    app = run(app.toggle(key="beside-heat").set_value(True))
    app = run(app.selectbox(key="right").set_value("tiny@1"))
    assert "Both say" in texts(app)


def test_a_model_that_cannot_be_loaded_leaves_the_other_one_its_answer(models):
    spoil(add(models, 2) / bundles.TFLITE)
    app = open_section("Side by side", right="tiny@2")
    assert "tiny@2: model.tflite was changed" in texts(app)
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.usefixtures("models")
def test_a_photo_that_is_none_is_said_by_both():
    app = open_section("Side by side")
    app = run(app.file_uploader[0].upload("*bad*.jpg", b"no photo", "image/jpeg"))
    assert len(app.error) == 2
    assert r"\*bad\*\.jpg" in app.error[0].value


def test_a_model_leads_to_the_try_out_beside_the_one_in_service(models):
    add(models, 2)
    app = run(open_section(model="tiny@2").button(key="try-it").click())
    assert app.button_group(key="tab").value == "Side by side"
    assert [box.value for box in app.selectbox] == ["tiny@1", "tiny@2"]


# Import


def exported(folder: Path, scratch: Path) -> bytes:
    transfer.pack(Bundle(folder), scratch / "exported.zip")
    return (scratch / "exported.zip").read_bytes()


def upload(content: bytes, name: str = "model.zip") -> AppTest:
    app = open_section("Import")
    app.file_uploader[0].upload(name, content, "application/zip")
    return run(button(app, "Import").click())


def test_an_exported_model_is_imported_and_shown(models, tmp_path, mirrored):
    folder = add(models, 7)
    write_card(folder, "# another one")
    content = exported(folder, tmp_path)
    shutil.rmtree(folder)
    app = upload(content)
    assert "tiny@7 is here, verified. It is not in service." in texts(app)
    assert app.query_params["model"] == "tiny@7"
    assert app.button_group(key="tab").value == "All models"
    assert serving.in_service() == "tiny@1"
    assert mirrored == [True]


def test_a_zip_with_a_wrong_byte_is_refused_in_words(models, tmp_path):
    folder = add(models, 7)
    with zipfile.ZipFile(tmp_path / "wrong.zip", "w") as file:
        for path in folder.iterdir():
            content = bytearray(path.read_bytes())
            if path.name == bundles.TFLITE:
                content[len(content) // 2] ^= 1
            file.writestr(f"tiny@7/{path.name}", bytes(content))
    shutil.rmtree(folder)
    app = upload((tmp_path / "wrong.zip").read_bytes(), "*wrong*.zip")
    assert r"**\*wrong\*\.zip** was not imported" in app.error[0].value
    assert "model.tflite" in texts(app)
    assert [folder.name for folder in serving.folders()] == ["tiny@1"]


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("content", [b"", b"no zip at all"])
def test_what_is_no_zip_is_refused_in_words(content):
    assert "model.zip** was not imported. It is no zip file" in texts(upload(content))


@pytest.mark.usefixtures("models")
def test_without_a_file_one_is_asked_for():
    app = run(button(open_section("Import"), "Import").click())
    assert "Choose a zip file first" in texts(app)


# What is shown, without a page


def test_moments_are_read_in_any_zone():
    assert tables.moment("2026-11-26T09:00:00+02:00").isoformat() == "2026-11-26T07:00:00+00:00"
    assert tables.moment("2026-11-26T09:00:00").isoformat() == "2026-11-26T09:00:00+00:00"
    assert tables.moment("soon") is None


def test_the_form_that_serves_is_named():
    info = json.loads((PROJECT_ROOT / "models" / "everyday@2" / bundles.INFO).read_text())
    table = tables.forms(Bundle(PROJECT_ROOT / "models" / "everyday@2").info)
    assert table["form"].tolist()[0] == f"{info['precision']} (serves)"
