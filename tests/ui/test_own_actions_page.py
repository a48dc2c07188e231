from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from har_core.bundle import Evaluation, Metric
from har_core.datasets import collection, store
from har_core.datasets.collection import Collection
from har_core.errors import CollectionError
from har_ui.own_actions import keeping, teaching
from tests.core.datasets.test_collection import photos
from tests.ui.apps import button, has_button, page_at, run, texts
from training import queue, runs
from training.runs import Outcome, Progress, Run

pytestmark = pytest.mark.usefixtures("started")

PAGE = "pages/own_actions.py"


@pytest.fixture
def gestures() -> Collection:
    made = collection.create("My gestures")
    for place, action in enumerate(("waving", "standing")):
        made.add_action(action)
        made.add(action, photos(10 * place, 10))
    return made


def open_mine():
    return run(page_at(PAGE, mine="my-gestures"))


def test_from_nothing_to_named_actions():
    app = run(page_at(PAGE))
    app.text_input[0].set_value("My *gestures*")
    app = run(button(app, "Begin").click())
    assert not app.exception
    assert app.query_params["mine"] == "my-gestures"
    app.text_input(key="own-action-name").set_value("waving, standing, Waving, ***")
    app = run(button(app, "Add").click())
    assert collection.load("my-gestures").record().actions == ("waving", "standing")
    assert "There is an action “waving” already" in texts(app)
    assert "needs a letter or a digit" in texts(app)
    assert "Photos still needed: 10 more of waving, 10 more of standing." in texts(app)
    assert button(app, "Train").disabled


def test_what_was_collected_is_there_again_and_can_be_changed(gestures):
    app = open_mine()
    assert "10 photos" in texts(app)
    app.text_input(key="own-new-name-0-waving").set_value("hands up")
    app = run(button(app, "Rename").click())
    assert gestures.record().actions == ("hands up", "standing")
    app.text_input(key="own-new-name-0-hands up").set_value("Standing")
    app = run(button(app, "Rename").click())
    assert "There is an action “standing” already" in texts(app)
    assert app.button(key="own-remove-1").disabled
    app = run(app.checkbox(key="own-gone-1-standing").check())
    app = run(app.button(key="own-remove-1").click())
    assert gestures.record().actions == ("hands up",)
    app = run(app.checkbox(key="own-meant-my-gestures").check())
    app = run(button(app, "Delete").click())
    assert collection.names() == []
    assert has_button(app, "Begin")


def test_photos_that_are_ticked_stay_so_while_the_pages_are_turned(gestures, monkeypatch):
    def dialog():
        from har_core.datasets import collection
        from har_ui.own_actions import photos

        photos._look_through(collection.load("my-gestures"), "waving")

    monkeypatch.setattr("har_ui.own_actions.photos._PAGE", 4)
    first, *_, last = gestures.record().of("waving")
    app = run(AppTest.from_function(dialog, default_timeout=60))
    app = run(app.checkbox(key=f"own-tick-{first.id}").check())
    app = run(app.pagination[0].set_value(3))
    app = run(app.checkbox(key=f"own-tick-{last.id}").check())
    app = run(app.pagination[0].set_value(1))
    assert has_button(app, "Remove 2 ticked")
    assert app.checkbox(key=f"own-tick-{first.id}").value


def test_a_damaged_collection_costs_nobody_else_theirs(gestures):
    (collection.create("Broken").folder / "collection.json").write_text('{"title":')
    app = run(page_at(PAGE))
    assert app.selectbox[0].options == ["A new one …", gestures.record().title]
    assert has_button(app, "Begin")


def test_of_two_with_the_same_title_the_one_that_was_opened_is_changed(gestures):
    other = collection.create(gestures.record().title)
    app = open_mine()
    app.text_input(key="own-action-name").set_value("pointing")
    run(button(app, "Add").click())
    assert gestures.record().actions[2:] == ("pointing",)
    assert other.record().actions == ()


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_stale_link_is_told_once_and_forgotten(gestures, is_gone):
    app = open_mine()
    gestures.delete() if is_gone else (gestures.folder / "collection.json").write_text("")
    app = run(app)
    assert "This model's photos are not here any more" in texts(app)
    assert "mine" not in app.query_params
    assert has_button(app, "Begin")
    assert "not here any more" not in texts(run(app))


def test_training_is_put_into_the_queue_followed_and_stopped(gestures, started):
    app = run(button(open_mine(), "Train").click())
    (name,) = queue.waiting()
    assert started
    assert gestures.record().run == name
    assert store.load("my-gestures").info.images == 20
    # Whoever opens the page later finds it under way.
    app = open_mine()
    assert not has_button(app, "Train")
    app = run(button(app, "Stop").click())
    assert runs.find(name).state() == "cancelled"
    assert "Training was stopped." in texts(open_mine())


def test_a_training_that_cannot_be_started_says_why_and_can_be_tried_again(gestures, monkeypatch):
    def refuse(made):
        raise CollectionError(f"Somebody has made another dataset {made.name} meanwhile. Remove it first.")

    app = open_mine()
    with monkeypatch.context() as broken:
        broken.setattr(Collection, "to_dataset", refuse)
        app = run(button(app, "Train").click())
    assert "Remove it first." in texts(app)
    run(button(app, "Train").click())
    assert queue.waiting() == [gestures.record().run]


def test_who_leaves_the_page_at_once_has_started_the_training_all_the_same(gestures, monkeypatch):
    make = Collection.to_dataset

    def leave_then_make(made, *arguments):
        get_script_run_ctx().script_requests.request_stop()  # What a closed tab does.
        return make(made, *arguments)

    monkeypatch.setattr(Collection, "to_dataset", leave_then_make)
    run(button(open_mine(), "Train").click())
    assert queue.waiting() == [gestures.record().run]


def test_who_comes_while_a_training_is_started_waits_and_finds_it(gestures, monkeypatch):
    held, looked = Event(), Event()
    name = queue.submit(teaching.plan(), gestures.to_dataset().name).id

    def start():
        with gestures.starting():
            held.set()
            assert looked.wait(60)
            gestures.keep_run(name, gestures.record().content())

    is_starting = Collection.is_starting

    def look(collection):
        try:
            return is_starting(collection)
        finally:
            looked.set()

    monkeypatch.setattr(Collection, "is_starting", look)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(start)
        assert held.wait(60)
        app = open_mine()
        other.result()
    assert has_button(app, "Stop")
    assert not has_button(app, "Train")


def ended(gestures: Collection, outcome: Outcome) -> Run:
    made = queue.submit(teaching.plan(), gestures.to_dataset().name)
    gestures.keep_run(made.id, gestures.record().content())
    made.end(outcome)
    return made


def test_a_failed_training_says_why_and_can_be_begun_again(gestures):
    ended(gestures, Outcome(state="failed", message="The disk is full: make room."))
    app = open_mine()
    assert "Training failed. The disk is full: make room." in texts(app)
    assert not button(app, "Train").disabled


def test_a_training_that_was_killed_advises_what_can_be_done_here(gestures):
    ended(gestures, Outcome(state="failed", message=f"{runs.BROKE_OFF} It was killed: try a smaller batch."))
    app = open_mine()
    assert "Train again; with fewer photos if it happens once more." in texts(app)
    assert "batch" not in texts(app)


def test_a_model_is_tried_and_kept(gestures, made):
    bundle = made(1, name="my-gestures", labels=["standing", "waving", "walking"])
    ended(gestures, Outcome(state="done", bundle=str(bundle.folder)))
    app = open_mine()
    assert has_button(app, "Train again")
    assert "Of 100 photos that were kept apart for testing it was right about **80 (80%)**" in texts(app)
    assert has_button(app, "Check it")
    assert "har models import my-gestures@1.zip" in app.code[0].value
    gestures.add("waving", photos(50, 1))
    assert "You have changed actions or photos since." in texts(open_mine())


def test_without_room_for_photos_the_page_says_so(use_setting):
    use_setting("MAX_COLLECTED_PHOTOS", 0)
    app = run(page_at(PAGE))
    assert "no photos are kept" in texts(app)
    assert not has_button(app, "Begin")


def test_ten_of_ten_is_not_certainty():
    evaluation = Evaluation(split="test", n=10, metrics={"accuracy": Metric(value=1, low=1, high=1)})
    assert "right about 72% to 100%" in keeping.how_good(evaluation)


def test_progress_only_goes_forwards():
    said = ["starting", "embedding photos", "fitting the head", "converting to float16", "evaluating"]
    shares = [teaching.stage(Progress(done=0, total=1, what=what))[0] for what in said]
    assert shares == sorted(set(shares))
    assert (
        teaching.stage(Progress(done=30, total=200, what="embedding photos"))[1] == "Looking at the photos: 30 of 200"
    )
    assert teaching.stage(None) == (0, "Getting ready …")
