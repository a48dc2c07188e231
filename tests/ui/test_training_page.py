import shutil
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from har_core import config
from har_core.bundle import Metric
from har_core.datasets import ingest, store
from har_core.datasets.sources import folder
from har_core.datasets.split import split_dataset
from har_core.errors import TrainingError
from har_ui import jobs
from har_ui.training import charts, fields, records, tables, words, worker
from tests.core.datasets.conftest import scene
from tests.ui.apps import button, figures, has_button, page_at, run, texts
from training import estimate, queue, recipe, runs
from training.recipe import Phase, Recipe
from training.runs import Epoch, Outcome, Progress, Run, Step

pytestmark = pytest.mark.usefixtures("started")

LABELS = ("eating", "running", "sitting_down")
CHECKPOINT = "checkpoint.npz"


@pytest.fixture(scope="session")
def split_home(tmp_path_factory) -> Path:
    """A state folder with the dataset ``small``, which is split, and ``whole``, which is not."""
    root = tmp_path_factory.mktemp("split")
    for number in range(48):
        path = root / "photos" / LABELS[number % 3] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(number).save(path, quality=92)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(root / "home"))
        config.settings.cache_clear()
        dataset = ingest.ingest("small", folder.read(root / "photos"))
        shutil.copytree(dataset.folder, dataset.folder.with_name("whole"))
        record = dataset.folder.with_name("whole") / "dataset.json"
        record.write_text(record.read_text().replace('"small"', '"whole"'))
        split_dataset(dataset, 0.2, 0.2)
    config.settings.cache_clear()
    return root / "home"


@pytest.fixture
def small(split_home, home):
    shutil.copytree(split_home, home)
    return store.load("small")


def open_section(section: str | None = None, **query) -> AppTest:
    chosen = {"view": section} if section else {}
    return run(page_at("pages/training.py", **chosen, **query))


def epochs_of(number: int, best: int | None = None, phase: int = 1) -> list[Epoch]:
    best = number if best is None else best
    return [
        Epoch(
            epoch=at,
            phase=phase if at else 0,
            loss=1.5 - 0.1 * at,
            accuracy=0.6 + 0.02 * at,
            val_loss=1.2 - 0.05 * min(at, best),
            val_accuracy=0.6 + 0.01 * at,
            val_macro_f1=0.5 + 0.01 * at,
            learning_rate=1e-4,
            seconds=20,
            recall={label: (0.3 + 0.1 * place + 0.01 * at) * (place > 0) for place, label in enumerate(LABELS)},
            best=at <= best,
            photos=100,
        )
        for at in range(number + 1)
    ]


METRICS = {
    "accuracy": Metric(value=0.71, low=0.65, high=0.77),
    "macro_f1": Metric(value=0.6, low=0.5, high=0.7),
    "ece": Metric(value=0.05, low=0.03, high=0.08),
}


def made(state: str, preset: str = "finetune", epochs: int = 0, changes=(), **outcome) -> Run:
    """A run in some state; one that is running is not, but its lock can be held."""
    new = Run.create(recipe.load(preset, changes), "small")
    if state != "queued":
        (new.folder / "started").touch()
    if epochs:
        new.keep_epochs(epochs_of(epochs))
        (new.folder / CHECKPOINT).touch()
    if state in ("done", "failed", "cancelled"):
        new.end(Outcome(state=state, seconds=90, **outcome))
    return new


@contextmanager
def under_way(of: Run):
    with of.claimed():
        yield


# New run


def test_without_a_dataset_the_page_says_where_to_get_one():
    app = open_section()
    assert "There is no dataset yet." in texts(app)
    assert app.main.get("page_link")
    assert not has_button(app, "Start")


@pytest.mark.usefixtures("small")
def test_what_to_expect_is_said_before_starting():
    app = open_section()
    assert app.radio[0].options == ["Quick", "Finetune", "Everyday", "Sports"]
    said = texts(app)
    assert "48 photos: " in said
    assert "3 labels" in said
    assert "efficientnet_lite0 · head only" in said
    assert not button(app, "Start").disabled
    assert "har train quick --dataset small --queue" in app.code[0].value
    assert app.selectbox(key="recipe-quick-precision").options == ["float32", "float16", "int8", "auto"]
    app = run(app.radio[0].set_value("finetune"))
    assert "14 epochs in 2 phases" in texts(app)


def test_a_run_is_started_and_watched(small, started):
    app = open_section()
    app = run(app.text_input[0].set_value("mine"))
    app = run(button(app, "Start").click())
    (new,) = runs.newest_first()
    assert (new.model, new.record.dataset, new.state()) == ("mine", small.name, "queued")
    assert queue.waiting() == [new.id]
    assert started
    assert app.button_group(key="view").value == "Live"
    assert "**1.** mine on small" in texts(app)


@pytest.mark.usefixtures("small")
def test_the_advanced_fields_change_the_recipe_and_can_be_undone():
    app = open_section()
    app = run(app.radio[0].set_value("finetune"))
    app = run(app.number_input(key="recipe-finetune-optimizer-batch_size").set_value(8))
    app = run(app.number_input(key="recipe-finetune-phase-1-epochs").set_value(2))
    assert "Phase 2, epochs: 6 → 2" in texts(app)
    assert "Optimizer, batch size: 16 → 8" in texts(app)
    assert "--set 'optimizer.batch_size=8'" in app.code[0].value
    assert "10 epochs in 2 phases" in texts(app)
    app = run(button(app, "Undo the changes").click())
    assert "Changed" not in texts(app)
    assert app.number_input(key="recipe-finetune-optimizer-batch_size").value == 16


@pytest.mark.usefixtures("small")
def test_phases_can_be_added_to_a_preset_without_any():
    app = open_section()
    app = run(app.number_input(key="recipe-quick-phases").set_value(1))
    app = run(app.number_input(key="recipe-quick-phase-0-epochs").set_value(3))
    assert "3 epochs · upper 32%" in texts(app)
    run(button(app, "Start").click())
    (new,) = runs.newest_first()
    assert new.recipe.phases == (Phase(epochs=3),)


@pytest.mark.usefixtures("small")
def test_a_value_that_cannot_be_is_refused_in_words():
    app = open_section()
    app = run(app.text_input[0].set_value("No Name!"))
    assert "The recipe's name cannot be No Name!" in texts(app)
    assert not has_button(app, "Start")


@pytest.mark.usefixtures("small")
def test_a_dataset_that_is_not_split_can_be_split_at_once(monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "start", lambda _, arguments: asked.append(arguments) or FakeJob())
    app = open_section(**{"train-on": "whole"})
    assert "The photos are not split yet" in texts(app)
    assert button(app, "Start").disabled
    run(button(app, "Split it now").click())
    assert asked == [("data", "split", "whole", "--val=0.15", "--test=0.15", "--seed=0")]


class FakeJob:
    id = "1"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("changes", "words_wanted"),
    [({"min_photos": 40}, "At least two labels need 40 photos each"), ({}, "GB left. Make room")],
)
def test_what_stands_against_a_run_is_said(monkeypatch, changes, words_wanted):
    usage = shutil.disk_usage("/")._replace(free=usage_of(changes))
    monkeypatch.setattr(estimate.shutil, "disk_usage", lambda _: usage)
    app = open_section()
    for name, value in changes.items():
        app = run(app.number_input(key=f"recipe-quick-{name}").set_value(value))
    assert words_wanted in texts(app)
    assert button(app, "Start").disabled


@pytest.mark.usefixtures("small")
def test_a_machine_with_too_little_memory_says_so_and_starts_nothing(monkeypatch, started):
    monkeypatch.setattr(estimate.memory, "available", lambda: 300_000_000)
    app = open_section()
    assert "this machine has 0.3 GB to spare: it would be killed" in texts(app)
    assert button(app, "Start").disabled
    assert started == []


def usage_of(changes) -> int:
    return 10**12 if changes else 1000


@pytest.mark.usefixtures("small")
def test_a_queue_that_cannot_be_reached_is_said(monkeypatch):
    def refuse(*_):
        raise TrainingError("The queue cannot be reached: no *redis*.")

    monkeypatch.setattr(queue, "submit", refuse)
    app = run(button(open_section(), "Start").click())
    assert app.toast[0].value == r"The queue cannot be reached\: no \*redis\*\."
    monkeypatch.setattr(queue, "waiting", refuse)
    for section in ("New run", "Live", "Runs"):
        assert "The queue cannot be reached" in texts(open_section(section))


def test_a_damaged_dataset_is_reported_in_words(small):
    (small.folder / "manifest.parquet").write_bytes(b"no table")
    assert "The dataset small is damaged" in texts(open_section())


# Live


def test_live_is_shown_first_while_something_is_trained():
    with under_way(made("running")):
        assert open_section().button_group(key="view").value == "Live"
    assert open_section().button_group(key="view").value == "New run"


def test_a_run_under_way_shows_how_far_it_is():
    now = made("running", epochs=3)
    now.add_step(Step(step=25, epoch=4, loss=1.1, accuracy=0.7, learning_rate=5e-5))
    what = "fine-tuning, phase 1 of 2"
    now.keep_progress(Progress(done=5, total=10, what=what, epoch=4, epochs=14, seconds_left=200))
    with under_way(now):
        app = open_section("Live")
        (bar,) = app.get("progress")
        assert bar.value == 25
        assert bar.text == "Fine-tuning, phase 1 of 2 · epoch 4 of 14 · batch 5 of 10 · about 3 min left"
        assert figures(app) == {
            "Validation accuracy": "63.0%",
            "Macro-F1": "53.0%",
            "Validation loss": "1.050",
            "Best epoch": "3",
        }
        assert len(app.get("plotly_chart")) == 4
        assert "Recall of each label, epoch 3" in texts(app)
        assert "Never recognised: eating." in texts(app)

        app = run(button(app, "Stop").click())
        assert now.is_cancelled()
        assert button(app, "Stopping …").disabled

        now.end(Outcome(state="cancelled"))
        assert "was stopped. What it had learnt by its last whole epoch is kept." in texts(run(app))
    app = run(app)
    assert "Nothing is being trained" in texts(app)
    app = run(button(app, "Details").click())
    assert app.button_group(key="view").value == "Runs"
    assert app.query_params["run"] == now.id


def test_a_run_that_has_only_begun_has_no_curves_yet():
    now = made("running")
    with under_way(now):
        app = open_section("Live")
        (bar,) = app.get("progress")
        assert (bar.value, bar.text) == (0, "Starting …")
        assert "The curves begin once the head is fitted." in texts(app)
        now.keep_progress(Progress(done=12, total=48, what="decoding photos"))
        (bar,) = open_section("Live").get("progress")
        assert (bar.value, bar.text) == (25, "Decoding photos: 12 of 48")


def test_a_head_alone_has_no_curves_but_its_labels():
    now = made("running", "quick")
    with under_way(now):
        assert "there are no epochs to watch" in texts(open_section("Live"))
        now.keep_epochs(epochs_of(0))
        app = open_section("Live")
        assert "Recall of each label, the head alone" in texts(app)
        assert "Best epoch" not in figures(app)
        assert len(app.get("plotly_chart")) == 1


def test_those_that_wait_are_listed_in_order_and_can_be_cancelled(started):
    first, second = (queue.submit(Recipe(name=name), "small") for name in ("one", "two"))
    app = open_section("Live")
    assert started
    assert "2 are waiting" in texts(app)
    assert "**1.** one on small" in texts(app)
    assert "**2.** two on small" in texts(app)
    app = run(app.button(key=f"cancel-{first.id}").click())
    assert queue.waiting() == [second.id]
    assert "**1.** two on small" in texts(app)


def test_nothing_to_watch_leads_to_a_new_run():
    app = open_section("Live")
    assert "Nothing is being trained, and nothing waits." in texts(app)
    app = run(button(app, "New run").click())
    assert app.button_group(key="view").value == "New run"


def test_a_worker_that_does_not_start_is_said(home, monkeypatch, started):
    clock = [1000.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    assert worker.keep_alive() == ""
    assert len(started) == 1
    clock[0] += 5
    assert worker.keep_alive() == ""
    assert len(started) == 1
    clock[0] += 16
    home.mkdir()
    (home / "worker.log").write_text("starting\nThe worker ends: no *queue*\n\n")
    assert r"“The worker ends\: no \*queue\*”" in worker.keep_alive()
    assert len(started) == 2
    # Much later: nobody has asked meanwhile, so it gets its time again.
    clock[0] += 1000
    assert worker.keep_alive() == ""


def test_a_worker_that_cannot_be_started_is_said(monkeypatch):
    def refuse():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(queue, "ensure_worker", refuse)
    queue.submit(Recipe(name="one"), "small")
    assert "No space left on device" in texts(open_section("Runs"))


def test_a_worker_that_is_alive_is_left_alone(monkeypatch, started):
    monkeypatch.setattr(queue, "has_worker", lambda: True)
    queue.submit(Recipe(name="one"), "small")
    open_section("Live")
    assert not started


# Runs


def test_no_runs_yet_is_explained():
    assert "Nothing was trained yet." in texts(open_section("Runs"))


def test_the_table_lists_all_runs():
    made("done", "quick", metrics=METRICS)
    made("interrupted", epochs=2)
    (made("queued").folder / "run.json").write_text("{")
    table = open_section("Runs").dataframe[0].value
    assert [list(state) for state in table["state"]] == [["interrupted"], ["done"]]
    assert table["accuracy"].tolist()[1] == 71
    assert table["best"].tolist()[0] == pytest.approx(62)
    assert table["took"].tolist() == ["", "2 min"]


@pytest.mark.usefixtures("tiny_bundle")
def test_a_finished_run_shows_its_figures_and_its_model(tiny_bundle, use_setting):
    use_setting("SHIPPED_MODELS", tiny_bundle.folder.parent)
    done = made("done", epochs=2, bundle=str(tiny_bundle.folder), metrics=METRICS)
    app = open_section("Runs", run=done.id)
    assert figures(app) == {"Accuracy": "71.0%", "Macro-F1": "60.0%", "Calibration error": "0.050"}
    assert app.metric[0].delta == "65.0% – 77.0%"
    assert "Kept for review as **tiny@1**" in texts(app)
    assert "# tiny" in texts(app)
    assert "har predict PHOTO.jpg --model tiny@1" in app.code[0].value
    app = run(app.toggle(key="try-tiny@1").set_value(True))
    app = run(app.button(key="try-tiny@1-pick-cycling.jpg").click())
    assert "## " in texts(app)
    assert "badge" in texts(app)


def test_a_model_that_is_gone_is_said():
    done = made("done", bundle="/gone/nothing@7", metrics=METRICS)
    assert "The model nothing@7 is not there any more." in texts(open_section("Runs", run=done.id))


def test_a_failed_run_says_why_and_can_be_resumed(started):
    failed = made("failed", epochs=2, message="The disk is *full*: make room, then resume.")
    app = open_section("Runs", run=failed.id)
    assert "failed. The disk is *full*: make room, then resume." in texts(app)
    app = run(button(app, "Resume").click())
    assert queue.waiting() == [failed.id]
    assert started
    assert app.button_group(key="view").value == "Live"


def test_an_interrupted_run_can_be_finished_with_the_best_so_far():
    stopped = made("interrupted", epochs=2)
    app = open_section("Runs", run=stopped.id)
    assert "its worker was killed, or the machine went down" in texts(app)
    run(button(app, "Make a model of the best so far").click())
    assert stopped.is_to_finish()
    assert queue.waiting() == [stopped.id]


def test_without_an_epoch_there_is_nothing_to_finish():
    app = open_section("Runs", run=made("cancelled").id)
    assert has_button(app, "Resume")
    assert not has_button(app, "Make a model of the best so far")


def test_a_run_is_removed_after_a_second_look():
    gone, kept = made("failed", message="x"), made("done", metrics=METRICS)
    app = open_section("Runs", run=gone.id)
    app = run(app.button(key="remove").click())
    assert [left.id for left in runs.newest_first()] == [kept.id]
    assert "Removed" in texts(app)
    assert "Tick a run to see all of it" in texts(app)


def test_a_run_that_began_meanwhile_is_not_removed():
    stopped = made("interrupted")
    app = open_section("Runs", run=stopped.id)
    with under_way(stopped):
        app = run(app.button(key="remove").click())
        assert "is running already" in texts(app)
    assert runs.newest_first()


def test_two_runs_are_compared():
    one = made("done", epochs=3, metrics=METRICS)
    other = made("done", epochs=5, changes=["optimizer.batch_size=64"], metrics=METRICS)
    app = open_section("Runs", run=[one.id, other.id])
    assert "2 runs compared" in texts(app)
    assert "trained and measured on the same photos" not in texts(app)
    _, test_figures, recipes = (table.value for table in app.dataframe)
    assert list(test_figures.index) == ["Accuracy", "Macro-F1", "Calibration error"]
    assert test_figures.iloc[0, 0] == "71.0% (65.0% – 77.0%)"
    assert recipes.index.tolist() == ["Optimizer, batch size"]
    assert recipes.iloc[0].tolist() == ["64", "16"]
    assert len(app.get("plotly_chart")) == 3


def test_runs_on_other_photos_are_not_compared_without_a_word():
    one = made("done", metrics=METRICS)
    other = Run.create(Recipe(), "other")
    app = open_section("Runs", run=[one.id, other.id])
    assert "were not trained and measured on the same photos" in texts(app)


def test_rows_that_are_ticked_are_the_ones_that_are_shown():
    older, newer = made("failed", message="first"), made("failed", message="second")
    app = open_section("Runs", run=newer.id)
    assert "failed. second" in texts(app)
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app = run(app)
    assert "failed. first" in texts(app)
    assert app.query_params["run"] == older.id


def test_names_cannot_become_mark_up():
    (made("failed", message="<b>*x*").folder / "log.txt").write_text("*plain*")
    (failed,) = runs.newest_first()
    app = open_section("Runs", run=failed.id)
    assert r"\<b\>\*x\*" in app.error[0].value


def test_a_run_that_is_not_there_is_not_shown():
    made("done")
    assert "Tick a run to see all of it" in texts(open_section("Runs", run="../../etc"))


# What is said and drawn, without a page


def test_presets_explain_themselves():
    assert all(len(words.preset(name)) > 20 for name in recipe.presets())


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (2, 30, "less than a minute"),
        (26, 68, "26 – 68 s"),
        (40, 300, "40 s – 5 min"),
        (300, 700, "5 – 12 min"),
        (3000, 9000, "50 min – 2.5 h"),
        (601, 602, "about 10 min"),
    ],
)
def test_spans_in_words(low, high, said):
    assert words.between(low, high) == said


def test_changes_lead_from_the_preset_to_the_recipe():
    base = recipe.load("finetune")
    for wished in (
        base,
        recipe.validate({**base.model_dump(), "phases": [Phase(epochs=3).model_dump()], "backbone": "keras:X"}),
        recipe.validate({**base.model_dump(), "start": "random", "image_size": 128, "seed": 7}),
        recipe.load("finetune", ["phases.1.learning_rate=0.00001", "augmentation.flip=false"]),
    ):
        assert recipe.load("finetune", tables.changes(base, wished)) == wished
    assert tables.changes(base, base) == []


def test_fields_know_their_bounds_and_steps():
    described = Recipe.model_fields
    assert fields.bounds(described["image_size"]) == (32, 1024)
    assert fields.bounds(described["sure_precision"]) == (0, 1)
    assert fields.bounds(described["min_photos"]) == (3, None)
    assert fields.step(0.3) == pytest.approx(0.01)
    assert fields.step(1e-4) == pytest.approx(1e-5)
    assert fields.step(0) == 0.05
    assert "head" not in fields.simple(Recipe)
    assert "phases" not in fields.simple(Recipe)
    assert {"name", "image_size", "precision"} < set(fields.simple(Recipe))


def test_many_steps_are_thinned_and_laid_over_the_epochs():
    of = [Step(step=at, epoch=1 + (at - 1) // 1000, loss=at, accuracy=0, learning_rate=0) for at in range(1, 3001)]
    table = tables.steps(of, None)
    assert len(table) <= 400
    assert table["at"].iloc[-1] == pytest.approx(3, abs=0.01)
    assert tables.steps(of[:500], 1000)["at"].iloc[-1] == pytest.approx(0.5, abs=0.01)
    assert tables.steps([], None).empty


def test_recall_is_sorted_and_knows_what_was_before():
    first, second = epochs_of(1)
    table = tables.recall(second, first)
    assert table["label"].tolist() == ["sitting down", "running", "eating"]
    assert table["before"].tolist() == pytest.approx([0.5, 0.4, 0])
    figure = charts.recall_bars(table, "r")
    assert list(figure.data[1].text) == ["51% (+1)", "41% (+1)", "0%"]
    assert tables.recall(first, None)["before"].isna().all()


def test_curves_mark_the_best_epoch_and_the_phases():
    epochs = [*epochs_of(3, best=2), epochs_of(4, phase=2)[-1].model_copy(update={"best": False})]
    figure = charts.curve("loss", epochs, tables.steps([], None), 6, "r")
    star = figure.data[-1]
    assert (star.name, list(star.x)) == ("best: epoch 2", [2])
    assert figure.layout.annotations[0].text == "phase 2"
    assert figure.layout.xaxis.range[1] > 6
    assert figure.layout.uirevision == "r"


def test_runs_without_figures_keep_their_colours():
    figure = charts.intervals({"a": {}, "b": METRICS})
    assert figure.data[1].marker.color == charts.RUN_STYLES[1].colour
    assert pd.Series(figure.data[0].x, dtype=float).empty


def test_a_view_is_read_again_only_after_a_change():
    failed = made("interrupted", epochs=1)
    before = records.view_of(failed)
    assert records.view_of(failed) is before
    failed.end(Outcome(state="failed", message="x"))
    assert records.view_of(failed).state == "failed"
