"""The page Feedback, run by Streamlit's own test harness: review, addition to a dataset, and the way to a training."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from har_cli.data import app as data_command
from har_core import feedback
from har_core.datasets import ingest, store
from har_core.datasets.sources import people
from har_core.feedback import Answer
from har_ui import jobs
from har_ui.datasets import commands, job_panel
from har_ui.feedback import learning
from tests.core.datasets.conftest import class_folders, dataset, scene  # noqa: F401 - fixtures
from tests.training.conftest import coloured_photos  # noqa: F401 - a fixture
from tests.ui.apps import button, page_at, run, texts
from training import queue, runs

pytestmark = pytest.mark.usefixtures("started")


def say(seed: int, label: str | None = "reading", confidence: float = 0.5):
    buffer = io.BytesIO()
    scene(seed, (160, 120)).save(buffer, "JPEG")
    answer = Answer(label="using_laptop", confidence=confidence, decision="unsure", model="tiny@1")
    return feedback.record(buffer.getvalue(), label, answer, "app")


def open_page(status: str | None = None) -> AppTest:
    app = page_at("pages/feedback.py")
    if status:
        app.session_state["status"] = status
    return run(app)


def shown(app: AppTest) -> list[str]:
    """The photos on the page, in order."""
    return [item.key.removeprefix("discard-") for item in app.button if item.key and item.key.startswith("discard-")]


def links(app: AppTest) -> dict[str, str]:
    """The links to other pages, beside the menu, and what their addresses say."""
    return {link.proto.label: unquote(link.proto.query_string) for link in app.main.get("page_link")}


def statuses(app: AppTest) -> list[str]:
    return app.button_group(key="status").options


# Review


def test_without_feedback_the_page_says_where_it_comes_from():
    app = open_page()
    assert "Below each answer on *Home* and *Photos*" in texts(app)
    assert "/api/v1/feedback" in texts(app)
    assert not app.button


def test_what_waits_is_shown_with_what_was_said_least_sure_first():
    sure, unsure = say(0, confidence=0.9), say(1, None, confidence=0.2)
    app = open_page()
    assert shown(app) == [unsure.photo, sure.photo]
    assert statuses(app) == ["To review (2)", "Accepted (0)", "Added (0)", "Discarded (0)"]
    assert ":green[:material/thumb_up:] **using laptop**" in texts(app)
    assert ":orange[:material/thumb_down:] **reading**" in texts(app)
    assert "tiny@1 · app" in texts(app)


def test_one_click_accepts_discards_or_corrects():
    first, second, third = say(0, confidence=0.1), say(1, confidence=0.2), say(2, confidence=0.3)
    app = run(open_page().button(key=f"accept-{first.photo}").click())
    app = run(app.button(key=f"discard-{second.photo}").click())
    assert "the photo is deleted" in texts(app)
    assert app.button(key=f"correct-{third.photo}").disabled
    app = run(app.selectbox(key=f"right-{third.photo}").set_value("walking"))
    app = run(app.button(key=f"correct-{third.photo}").click())
    assert "Nothing waits for review" in texts(app)
    assert statuses(app) == ["To review (0)", "Accepted (2)", "Added (0)", "Discarded (1)"]
    assert [feedback.find(entry.photo).status for entry in (first, second, third)] == [
        "accepted",
        "discarded",
        "accepted",
    ]
    assert feedback.find(third.photo).right_label == "walking"
    app = run(app.button_group(key="status").set_value("accepted"))
    assert "**walking**, :gray[corrected from reading]" in texts(app)
    app = run(app.selectbox(key=f"right-{first.photo}").set_value("dancing"))
    run(app.button(key=f"correct-{first.photo}").click())
    assert feedback.find(first.photo).right_label == "dancing"
    assert "Their photos are deleted." in texts(open_page("discarded"))


def test_a_page_is_accepted_at_once():
    for number in range(15):
        say(number, confidence=number / 20)
    app = open_page()
    assert len(shown(app)) == 12
    app = run(button(app, "Accept these 12").click())
    assert "Accepted 12." in texts(app)
    assert len(shown(app)) == 3
    assert min(entry.confidence for entry in feedback.queue()) == 0.6


def test_what_somebody_else_did_meanwhile_is_said():
    first, second = say(0), say(1)
    app = open_page()
    feedback.forget(first.photo)
    app = run(button(app, "Accept these 2").click())
    assert "Accepted 1." in texts(app)
    assert "not any more" in texts(app)
    feedback.forget(second.photo)
    app = run(open_page())
    assert "Nobody has said anything" in texts(app)


def test_a_photo_that_cannot_be_read_is_no_obstacle():
    entry = say(0)
    feedback.photo_path(entry.photo).write_bytes(b"text")
    app = open_page()
    assert "cannot be read any more" in texts(app)
    run(app.button(key=f"discard-{entry.photo}").click())
    assert feedback.find(entry.photo).status == "discarded"


def test_labels_cannot_become_mark_up():
    say(0, "**bold** [x](http://y) <b>")
    app = open_page()
    (word,) = [item.value for item in app.markdown if "bold" in item.value]
    assert r"\*\*bold\*\* \[x\]\(http\://y\) \<b\>" in word


def test_where_feedback_is_off_it_is_said_and_what_is_there_can_be_reviewed(use_setting):
    entry = say(0)
    use_setting("FEEDBACK", "false")
    app = open_page()
    assert "HAR_FEEDBACK=false" in texts(app)
    assert shown(app) == [entry.photo]


# Into a dataset


def test_an_addition_is_a_job_of_the_command_line(dataset, monkeypatch):  # noqa: F811
    feedback.accept(say(100).photo)
    begun = []
    monkeypatch.setattr(job_panel, "begin", begun.append)
    app = open_page("accepted")
    assert "Add 1 photo to a dataset" in texts(app)
    assert app.selectbox(key="add-to").options == [dataset.name]
    run(button(app, "Add").click())
    assert begun == [commands.append_feedback("small")]
    assert begun[0].arguments == ("data", "append", "small", "--from=feedback", "--json")


@pytest.fixture
def added(dataset, monkeypatch):  # noqa: F811
    """A job that has added one photo of two, the other of which the dataset has already."""
    feedback.accept(say(100, "running").photo)
    there = Path(dataset.base()["path"][0]).read_bytes()
    answer = Answer(label="x", confidence=0.5, decision="unsure", model="tiny@1")
    feedback.accept(feedback.record(there, "running", answer, "api").photo)
    command = commands.append_feedback("small")
    done = CliRunner().invoke(data_command, list(command.arguments[1:]))
    job = SimpleNamespace(
        id="1",
        title=command.title,
        arguments=list(command.arguments),
        state=lambda: "done",
        errors=list,
        printed=lambda: done.stdout,
    )
    monkeypatch.setattr(jobs, "find", lambda _: job)
    return json.loads(done.stdout)


def test_when_it_is_over_the_page_says_what_came_of_it(added):
    app = open_page()
    assert "Adding to small: done." in texts(app)
    assert app.button_group(key="status").value == "added"
    assert "1 photo added to **small**, 0 for training." in texts(app)
    assert "Left out: 1 photo. The dataset has this photo already" in texts(app)
    assert added["added"] == 1
    # The dataset is not split: what to do about that comes before any training.
    assert "not split yet" in texts(app)
    assert button(app, "Train on small").disabled
    app = run(app.button_group(key="status").set_value("new"))
    assert app.button_group(key="status").value == "new", "the visitor is taken there once"


# Training


@pytest.fixture
def learnable(coloured_photos):  # noqa: F811
    """A dataset that a training can use, to which one photo of feedback was added."""
    entry = feedback.accept(say(100, "red").photo)
    found = ingest.append("coloured", people.read([entry], coloured_photos))
    people.settle([entry], found.dataset)
    return found.dataset


@pytest.mark.usefixtures("learnable")
def test_one_click_puts_a_training_into_the_queue(started):
    app = open_page("added")
    assert "A new head on the network of everyday@2" in texts(app)
    app = run(button(app, "Train on coloured").click())
    (run_,) = runs.newest_first()
    assert (run_.record.dataset, run_.state(), run_.recipe.phases) == ("coloured", "queued", ())
    assert run_.recipe.start == "everyday@2"
    assert queue.waiting() == [run_.id]
    assert started
    assert button(app, "Train on coloured").disabled
    assert "queued" in texts(app)
    assert links(app) == {"Watch it live": f"view=Live&run={run_.id}"}


@pytest.mark.usefixtures("learnable")
def test_the_outcome_leads_to_the_comparison_and_into_service():
    run_ = queue.submit(learning.quick_recipe("coloured"), "coloured")
    run_.end(runs.Outcome(state="done", bundle="/models/coloured@1", seconds=9.0))
    app = open_page("added")
    assert "is done." in texts(app)
    assert links(app) == {
        "Compare it with the one in service": "judged=coloured@1&dataset=coloured&part=Compare&against=everyday@2",
        "Put it into service": "model=coloured@1",
        "The run": f"view=Runs&run={run_.id}",
    }
    assert not button(app, "Train on coloured").disabled


@pytest.mark.usefixtures("learnable")
def test_a_model_that_cannot_be_built_on_is_not(tiny_bundle, use_setting):
    use_setting("SHIPPED_MODELS", tiny_bundle.folder.parent)
    use_setting("MODEL", "tiny")
    assert learning.quick_recipe("coloured").start == "imagenet", "it does not say which network it has"
    assert learning.quick_recipe("nothing").start == "imagenet"


def test_a_label_with_too_few_photos_is_named(coloured_photos):  # noqa: F811
    entry = feedback.accept(say(100, "brushing teeth").photo)
    found = ingest.append("coloured", people.read([entry], coloured_photos))
    people.settle([entry], found.dataset)
    assert "Too few photos to be learnt yet: brushing teeth." in texts(open_page("added"))


def test_a_dataset_that_is_gone_is_passed_over(learnable):
    assert learnable.info.images == 92
    store.remove("coloured")
    app = open_page("added")
    assert not [item for item in app.button if item.label.startswith("Train on")]
