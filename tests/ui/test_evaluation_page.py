"""The page Evaluation, run by Streamlit's own test harness, on the tiny model and images whose colours it knows."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from har_core import bundle as bundles
from har_core.bundle import Bundle, Metric
from har_core.config import settings
from har_core.datasets import ingest, store
from har_core.datasets.sources import table
from har_core.datasets.store import Dataset
from har_core.evaluation import judging, leaks
from har_core.predictor import Predictor
from har_ui import jobs
from har_ui.datasets import job_panel
from har_ui.datasets.commands import Command
from har_ui.evaluation import asking, state, words
from har_ui.evaluation.view import Choice, view_of
from tests.ui.apps import button, figures, page_at, raw_texts, run, texts
from tests.waiting import until

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
# Colour of the photo → label that it is given; the tiny model says the colour.
PHOTOS = [*(("red", "red"),) * 4, *(("green", "green"),) * 4, *(("blue", "blue"),) * 2]
WRONG = [("red", "green"), ("red", "green"), ("blue", "red")]
UNKNOWN = [("green", "purple")]


def photograph(path: Path, colour: str, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 30, (40, 40 + seed, 3))
    Image.fromarray(np.clip(np.array(COLOURS[colour]) * 0.8 + noise, 0, 255).astype(np.uint8)).save(path)


def import_photos(folder: Path, name: str, pairs: list[tuple[str, str]], split: str = "test") -> Dataset:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["path,label,split"]
    for number, (colour, label) in enumerate(pairs):
        photograph(folder / f"{number}.png", colour, number)
        lines.append(f'{number}.png,"{label}",{split}')
    (folder / "labels.csv").write_text("\n".join(lines))
    return ingest.ingest(name, table.read(folder / "labels.csv"))


@pytest.fixture(autouse=True)
def empty_caches():
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def model(tiny_bundle, use_setting) -> Bundle:
    """``tiny@1``, the only model there is."""
    use_setting("SHIPPED_MODELS", tiny_bundle.folder.parent)
    use_setting("MODEL", "tiny")
    return tiny_bundle


@pytest.fixture
def small(tmp_path, model) -> Dataset:
    """Photos in the split test; no model was asked about them."""
    assert model.reference == "tiny@1"
    return import_photos(tmp_path / "photos", "small", PHOTOS + WRONG + UNKNOWN)


@pytest.fixture
def asked(small, tiny) -> Dataset:
    """The same, with the answers kept."""
    judging.judge(tiny, small, "test")
    return small


def second(version: int = 2, **changes) -> Bundle:
    """Another version of the tiny model."""
    folder = settings().home / "models" / f"tiny@{version}"
    shutil.copytree(settings().shipped_models / "tiny@1", folder)
    info = Bundle(folder).info.model_copy(update={"version": version, **changes})
    (folder / bundles.INFO).write_text(info.model_dump_json())
    return Bundle(folder)


def open_section(section: str | None = None, **query) -> AppTest:
    chosen = {state.PART: section} if section else {}
    return run(page_at("pages/evaluation.py", **chosen, **query))


def buttons(app: AppTest, key: str) -> list:
    return [item for item in app.button if item.key and item.key.startswith(key)]


def finished(command: Command) -> jobs.Job:
    """Runs a command as a job to its end."""
    job = jobs.start(command.title, command.arguments)
    until(lambda: job.state() != "running")
    return job


def label_of(dataset: Dataset, number: int) -> str:
    photos = dataset.manifest()
    return photos["label"][photos["path"].str.endswith(f"/{number}.png")].iloc[0]


# What there is to do first


@pytest.mark.usefixtures("model")
def test_without_a_dataset_the_page_says_what_it_needs():
    assert "there is no dataset yet" in texts(open_section())


def test_without_a_model_the_page_says_so(tmp_path, use_setting):
    use_setting("SHIPPED_MODELS", tmp_path)
    assert "There is no model that can be read" in texts(open_section())


@pytest.mark.usefixtures("small")
def test_before_a_model_was_asked_a_button_asks_it_in_a_job(monkeypatch):
    started = []

    def start(title, arguments):
        started.append((title, arguments))
        raise jobs.JobRefused("busy")

    monkeypatch.setattr(jobs, "start", start)
    app = open_section()
    assert "was not asked about 13 photos" in texts(app)
    run(button(app, "Ask it about 13 photos").click())
    assert started == [
        ("Asking tiny@1 about small, test", ("evaluate", "tiny@1", "--dataset=small", "--split=test", "--json"))
    ]


def test_all_labelled_photos_are_one_part_too(small, model):
    arguments = asking.command(Choice(model, small, None)).arguments
    assert "--split=all" in arguments


@pytest.mark.parametrize(
    ("query", "why"),
    [({"split": "val"}, "no photo in the split val of small that has a label"), ({"split": "train"}, "split train")],
)
@pytest.mark.usefixtures("asked")
def test_a_part_without_photos_says_why(query, why):
    assert why in texts(open_section(**query))


def test_a_dataset_of_other_labels_says_what_the_model_knows(tmp_path, model):
    import_photos(tmp_path / "others", "others", [("red", "purple")])
    assert f"It knows: {', '.join(model.info.labels)}" in texts(open_section())


@pytest.mark.usefixtures("asked")
def test_photos_that_come_to_a_part_later_are_asked_about_alone(small):
    small.apply("relabel", [small.base()["path"].iloc[-1]], "green")
    app = open_section()
    assert "was not asked about 1 photo of this part" in texts(app)


# Sections


@pytest.mark.usefixtures("asked")
def test_the_overview_shows_figures_with_intervals_and_what_was_left_out():
    app = open_section()
    assert figures(app)["Accuracy"] == "76.9%"
    accuracy = next(metric for metric in app.metric if metric.label == "Accuracy")
    low, high = (float(number.rstrip("%")) for number in accuracy.delta.split(" – "))
    assert low < 76.9 < high
    assert "Of 13 photos." in texts(app)
    assert "This model carries no list of the photos that it has seen." in texts(app)
    assert "purple (1)" in texts(app)
    confused = app.dataframe[0].value
    assert confused.iloc[0].tolist() == ["green", "red", 2, pytest.approx(100 / 3)]


def test_photos_that_the_model_has_learnt_from_are_scored_apart(small, tiny_bundle):
    listed = small.base().iloc[:6][["id", "phash", "dhash"]].assign(split="train")[list(leaks.COLUMNS)]
    files = {name: tiny_bundle.folder / name for name in tiny_bundle.info.sha256}
    files[bundles.TRAINED_ON] = tiny_bundle.folder.parent / "seen.csv"
    listed.to_csv(files[bundles.TRAINED_ON], index=False)
    bundle = bundles.write(
        tiny_bundle.folder.parent / "tiny@2",
        files,
        lambda sha256: tiny_bundle.info.model_copy(update={"version": 2, "sha256": sha256}),
    )
    judged = judging.judge(Predictor(bundle), small, "test")
    app = open_section(judged="tiny@2")
    seen = len(judged.leaked.answers)
    assert seen >= 6
    assert f"{seen} photos left out of all figures" in texts(app)
    assert "says nothing of how good it is" in texts(app)
    assert f"Of {13 - seen} photo" in texts(app)


def test_a_photo_that_cannot_be_read_is_named_and_the_others_count(small, model):
    Path(small.base()["path"].iloc[0]).unlink()
    job = finished(asking.command(Choice(model, small, "test")))
    assert job.state() == "failed"
    assert job_panel.ended_well(job), job.errors()
    app = open_section()
    assert "Of 12 photos." in texts(app)
    assert "1 photo could not be read" in [item.label for item in app.expander]


def test_an_evaluation_that_never_came_to_figures_has_failed(small, model):
    job = finished(asking.command(Choice(model, small, "val")))
    assert job.state() == "failed"
    assert not job_panel.ended_well(job)


@pytest.mark.usefixtures("asked")
def test_the_report_is_offered_in_two_forms():
    labels = [item.proto.label for item in open_section().get("download_button")]
    assert labels == ["HTML", "JSON"]


@pytest.mark.usefixtures("asked")
def test_confusions_show_the_photos_of_the_most_frequent_one_first():
    app = open_section(state.CONFUSIONS)
    assert "**green**, called **red**" in texts(app)
    assert "2 photos, the most confident answers first" in texts(app)
    assert len(buttons(app, "open-cell")) == 2
    app.session_state["confusion-cell"] = ("blue", "blue")
    app = run(app)
    assert "**blue**, recognised" in texts(app)
    assert not buttons(app, "decide-on-cell")


@pytest.mark.usefixtures("asked")
def test_from_a_confusion_to_the_gallery_of_that_mistake():
    app = run(open_section(state.CONFUSIONS).button(key="decide-on-cell").click())
    assert app.segmented_control(key=state.PART).value == state.MISTAKES
    assert len(buttons(app, "open-mistake")) == 2


@pytest.mark.usefixtures("asked")
def test_labels_are_listed_worst_first_with_curves_of_the_worst():
    app = open_section(state.LABELS)
    assert app.dataframe[0].value["label"].tolist()[-1] == "red" or len(app.dataframe[0].value) == 3
    assert app.dataframe[0].value["f1"].is_monotonic_increasing
    assert len(app.multiselect[0].value) == 3
    assert len(app.get("plotly_chart")) == 1
    app = run(app.multiselect[0].set_value([]))
    assert not app.get("plotly_chart")


@pytest.mark.usefixtures("asked")
def test_the_threshold_shows_what_unsure_costs_and_buys():
    app = open_section(state.CONFIDENCE)
    slider = app.slider[0]
    assert slider.value == 90
    before = figures(app)
    assert sum(map(int, before.values())) == 13
    app = run(slider.set_value(0))
    assert figures(app) == {
        "Sure and right": "10",
        "Sure but wrong": "3",
        "Unsure but right": "0",
        "Unsure and wrong": "0",
    }
    app = run(app.slider[0].set_value(100))
    assert "no answer is sure" in texts(app)
    assert "costs **10** right answers and spares **3** wrong ones" in texts(app)


@pytest.mark.usefixtures("asked")
def test_slices_say_what_they_are_of():
    app = open_section(state.SLICES)
    assert len(app.get("plotly_chart")) == 1
    assert "What stands out" in texts(app)


# Mistakes


def test_a_wrong_label_is_relabelled_to_the_answer_and_the_fix_undone(asked):
    app = open_section(state.MISTAKES)
    assert len(buttons(app, "open-mistake")) == 3
    path = next(path for path in asked.base()["path"] if path.endswith("/10.png"))
    app = run(app.button(key=f"wrong-{path}").click())
    assert label_of(asked, 10) == "red"
    assert "to “red”." in texts(app)
    assert len(buttons(app, "open-mistake")) == 2
    app = run(button(app, "Undo the last fix").click())
    assert label_of(asked, 10) == "green"
    assert len(buttons(app, "open-mistake")) == 3


def test_a_photo_whose_label_is_right_counts_as_looked_at_and_still_as_a_mistake(asked):
    app = open_section(state.MISTAKES)
    path = next(path for path in asked.base()["path"] if path.endswith("/12.png"))
    app = run(app.button(key=f"right-{path}").click())
    assert label_of(asked, 12) == "red"
    assert [fix.action for fix in asked.fixes()] == ["keep"]
    assert len(buttons(app, "open-mistake")) == 2
    choice = app.segmented_control(key="which-mistakes")
    assert choice.options == ["to look at (2)", "looked at (1)", "all (3)"]
    app = run(choice.set_value("looked at"))
    assert [item.key for item in buttons(app, "right-")] == [f"right-{path}"]
    assert app.button(key=f"right-{path}").disabled
    assert figures(open_section())["Accuracy"] == "76.9%"


def test_the_same_mistake_is_decided_for_all_photos_at_once(asked):
    app = open_section(state.MISTAKES)
    app = run(button(app, "Same mistake (2)").click())
    assert app.selectbox(key=state.PAIR).value == ("green", "red")
    assert len(buttons(app, "open-mistake")) == 2
    app = run(button(app, "They are red").click())
    assert [label_of(asked, number) for number in (10, 11)] == ["red", "red"]
    # That mistake is no more: the others are shown.
    assert app.selectbox(key=state.PAIR).value is None
    assert len(buttons(app, "open-mistake")) == 1
    app = run(button(app, "Undo the last fix").click())
    assert len(buttons(app, "open-mistake")) == 3
    assert len(asked.fixes()) == 0


@pytest.mark.usefixtures("asked")
def test_a_photo_is_opened_with_its_answer_and_where_the_model_looked(asked):
    app = open_section(state.MISTAKES)
    app = run(app.button(key=f"open-mistake-{10}").click())
    assert "tiny@1 says **red**" in texts(app)
    assert "The same mistake: **green**, called **red**" in texts(app)
    path = next(path for path in asked.base()["path"] if path.endswith("/10.png"))
    assert app.selectbox(key=f"label-{path}").value == "red"
    app = run(app.toggle(key=f"looked-{path}").set_value(True))
    assert "Bright: what speaks for the model's answer." in texts(app)
    app = run(button(app, "Relabel").click())
    assert label_of(asked, 10) == "red"
    app = run(button(app, "Undo").click())
    assert label_of(asked, 10) == "green"
    app = run(app.button(key="same-mistake").click())
    assert app.selectbox(key=state.PAIR).value == ("green", "red")


@pytest.mark.usefixtures("asked")
def test_heat_maps_of_a_whole_page_of_mistakes():
    app = run(open_section(state.MISTAKES).toggle(key="heat").set_value(True))
    assert len(buttons(app, "open-mistake")) == 3


def test_a_photo_that_is_gone_leaves_a_tile_that_says_so(asked):
    path = next(path for path in asked.base()["path"] if path.endswith("/12.png"))
    Path(path).unlink()
    app = run(open_section(state.MISTAKES).toggle(key="heat").set_value(True))
    assert "12.png cannot be read any more" in texts(app)


@pytest.mark.usefixtures("model")
def test_a_model_without_mistakes_has_an_empty_gallery(tmp_path, tiny):
    judging.judge(tiny, import_photos(tmp_path / "good", "good", PHOTOS), "test")
    assert "Every answer is right" in texts(open_section(state.MISTAKES))
    app = open_section(state.CONFUSIONS)
    assert "Nothing: every answer is right." in texts(app)
    assert not buttons(app, "open-cell")


# A second model


@pytest.mark.usefixtures("asked")
def test_a_single_model_cannot_be_compared():
    assert "There is no other model" in texts(open_section(state.COMPARE))


def test_two_models_are_compared_on_the_same_photos(asked):
    # The labels in another order: it says green for red, and red for green.
    other = second(labels=["green", "red", "blue"])
    app = open_section(state.COMPARE)
    assert "tiny@2 was not asked about 13 photos" in texts(app).replace("**", "")
    judging.judge(Predictor(other), asked, "test")
    app = open_section(state.COMPARE)
    assert "where only one of them is right" in texts(app)
    assert list(app.dataframe[0].value.columns) == ["tiny@1", "tiny@2", "difference"]
    assert app.dataframe[0].value["tiny@1"]["Accuracy"].startswith("76.9%")
    assert "Only tiny@2 is right: 2" in texts(app)
    assert "Only tiny@1 is right: 8" in texts(app)
    assert len(buttons(app, "open-gained")) == 2


# Hostile and damaged


@pytest.mark.usefixtures("model")
def test_labels_with_markup_are_shown_as_they_are(tmp_path):
    evil = "**b** [x](https://elsewhere.example) <img src=x> $y$ :red[z]"
    other = second(labels=[evil, "green", "blue"])
    dataset = import_photos(
        tmp_path / "evil", "evil", [("red", evil), ("green", evil), ("blue", evil), ("red", "green"), ("red", "# odd")]
    )
    judging.judge(Predictor(other), dataset, "test")
    for section in (state.OVERVIEW, state.CONFUSIONS, state.LABELS, state.CONFIDENCE, state.MISTAKES, state.SLICES):
        app = open_section(section, judged="tiny@2")
        said = raw_texts(app) + " ".join(item.label + str(item.help) for item in app.button)
        assert not re.search(r"(?<!\\)(\[x\]|<img|:red\[|\*\*b\*\*)", said)
        for chart in app.get("plotly_chart"):
            assert "<img" not in json.dumps(json.loads(chart.proto.spec)).replace("\\u003c", "<")


@pytest.mark.usefixtures("asked")
def test_an_address_that_names_nothing_known_falls_back():
    app = open_section("Nowhere", judged="gone@9", dataset="gone", split="gone")
    assert figures(app)["Accuracy"] == "76.9%"


# Words, and what is kept between interactions


def test_a_view_is_read_once_until_something_changes(asked, model, monkeypatch):
    calls = []
    whole = judging.kept
    monkeypatch.setattr(judging, "kept", lambda *arguments: calls.append(1) or whole(*arguments))
    choice = Choice(model, asked, "test")
    assert view_of(choice) is view_of(Choice(Bundle(model.folder), store.load("small"), "test"))
    assert len(calls) == 1
    asked.apply("keep", [asked.base()["path"].iloc[0]])
    view_of(choice)
    assert len(calls) == 2


def test_differences_are_told_in_points_and_with_a_real_minus():
    assert words.difference("accuracy", Metric(value=-0.012, low=-0.03, high=0.001)) == ("−1.2 points", "−3.0 … +0.1")
    assert words.difference("ece", Metric(value=0.01, low=0, high=0.02)) == ("+0.010", "+0.000 … +0.020")
