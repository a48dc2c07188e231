"""A process that serves keeps up with the model in service."""

import shutil
import threading

import numpy as np
import pytest

from har_core import bundle as bundles
from har_core import live, promotion, serving
from har_core.config import settings
from har_core.errors import BundleBroken, ModelError, ModelLoading, ModelNotFound
from har_core.live import LivePredictor
from har_core.predictor import Predictor
from tests.bundles import spoil
from tests.conftest import TINY_SIZE
from tests.waiting import until

IMAGE = np.zeros((TINY_SIZE, TINY_SIZE, 3), np.uint8)


@pytest.fixture
def followed(monkeypatch):
    """Looks often, so that the tests need not wait."""
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.02)
    predictor = LivePredictor()
    yield predictor
    predictor.close()


def wait_for(predictor, version: int) -> None:
    until(lambda: version_of(predictor) == version)


def version_of(predictor) -> int | None:
    try:
        return predictor.get().bundle.info.version
    except ModelError:
        return None


def followers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "model in service"}


def test_nothing_is_loaded_and_no_thread_is_started_before_it_is_asked(made):
    made(2)
    before = followers()
    predictor = LivePredictor()
    assert not followers() - before
    assert predictor.get() is predictor.get()
    assert len(followers() - before) == 1
    predictor.close()


def test_a_promotion_and_a_rollback_are_followed(made, followed):
    made(2)
    assert followed.get().bundle.info.version == 1
    promotion.promote("tiny@2", "ada")
    wait_for(followed, 2)
    promotion.roll_back("ada")
    wait_for(followed, 1)


def test_whoever_has_begun_with_the_old_model_ends_with_it(made, followed):
    made(2)
    old = followed.get()
    promotion.promote("tiny@2", "ada")
    wait_for(followed, 2)
    assert old.predict(IMAGE).model.version == 1
    assert followed.get().predict(IMAGE).model.version == 2


def test_many_threads_get_answers_through_every_change(made, followed):
    made(2)
    versions, errors, over = set(), [], threading.Event()

    def ask():
        while not over.is_set():
            try:
                versions.add(followed.get().predict(IMAGE).model.version)
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        promotion.promote("tiny@2", "ada")
        wait_for(followed, 2)
        promotion.roll_back("ada")
        wait_for(followed, 1)
    over.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert versions == {1, 2}


@pytest.mark.parametrize("harm", ["wrong byte", "half copied", "gone", "history"])
def test_a_model_that_cannot_be_loaded_leaves_the_old_one_in_place(made, followed, harm, caplog, monkeypatch):
    bundle = made(2)
    followed.get()
    put = serving.put

    def put_and_spoil(entry):
        """It breaks after it was examined, before anyone loads it."""
        if harm == "wrong byte":
            spoil(bundle, bundles.TFLITE)
        elif harm == "half copied":
            (bundle.folder / bundles.KERAS).unlink()
        elif harm == "gone":
            shutil.rmtree(bundle.folder)
        put(entry)
        if harm == "history":
            (settings().home / "serving.json").write_text("[{")

    monkeypatch.setattr(serving, "put", put_and_spoil)
    promotion.promote("tiny@2", "ada")
    until(lambda: "goes on answering" in caplog.text)
    assert followed.get().predict(IMAGE).model.version == 1


def test_a_model_that_is_mended_is_followed_after_all(made, followed, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(live, "_RETRY_SECONDS", 0.05)
    bundle = made(2)
    followed.get()
    promotion.promote("tiny@2", "ada")
    wait_for(followed, 2)
    promotion.roll_back("ada")
    wait_for(followed, 1)
    kept = tmp_path / "kept"
    examine = promotion.examine

    def examine_and_remove(*arguments):
        found = examine(*arguments)
        bundle.folder.rename(kept)
        return found

    monkeypatch.setattr(promotion, "examine", examine_and_remove)
    promotion.promote("tiny@2", "ada")
    until(lambda: "goes on answering" in caplog.text)
    assert followed.get().bundle.info.version == 1
    kept.rename(bundle.folder)
    wait_for(followed, 2)


def test_without_a_model_each_call_says_so_until_there_is_one(made, followed, use_setting):
    bundle = made(2)
    use_setting("MODEL", "elsewhere")
    for _ in range(2):
        with pytest.raises(ModelNotFound):
            followed.get()
    promotion.promote("tiny@2", "ada", override="the first")
    wait_for(followed, bundle.info.version)


def test_a_model_that_is_mended_answers_without_anybody_asking(made, followed, monkeypatch, tmp_path):
    monkeypatch.setattr(live, "_FIRST_RETRY_SECONDS", 0.05)
    folder = serving.find(made(2).reference).folder
    promotion.promote("tiny@2", "ada")
    folder.rename(tmp_path / "kept")
    with pytest.raises(ModelNotFound):
        followed.get()
    (tmp_path / "kept").rename(folder)
    until(lambda: followed._predictor is not None)
    assert followed.peek().bundle.info.version == 2


@pytest.mark.usefixtures("made")
def test_a_broken_model_is_not_loaded_again_for_each_request(followed, monkeypatch):
    spoil(serving.find(), bundles.TFLITE)
    attempts = []
    monkeypatch.setattr(live, "Predictor", lambda bundle: attempts.append(bundle) or Predictor(bundle))
    for _ in range(50):
        with pytest.raises(BundleBroken):
            followed.get()
    assert len(attempts) == 1


@pytest.mark.usefixtures("made")
def test_who_must_not_wait_learns_that_the_model_is_being_loaded(followed, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(live, "Predictor", lambda bundle: go_on.wait(240) and Predictor(bundle))
    with pytest.raises(ModelLoading):
        followed.peek()
    waiting = threading.Thread(target=followed.get)
    waiting.start()
    with pytest.raises(ModelLoading):
        followed.peek()
    go_on.set()
    waiting.join()
    assert followed.peek() is followed.get()


@pytest.mark.usefixtures("made")
def test_the_error_of_many_requests_does_not_grow(followed, use_setting):
    use_setting("MODEL", "elsewhere")
    for _ in range(3):
        with pytest.raises(ModelNotFound) as found:
            followed.get()
        assert len(found.traceback) <= 3


def test_what_is_broken_at_the_start_is_said(made, followed):
    made(2)
    promotion.promote("tiny@2", "ada")
    spoil(serving.find(), bundles.TFLITE)
    with pytest.raises(BundleBroken, match=r"model\.tflite"):
        followed.get()


def test_a_pinned_model_is_not_left(made, followed, use_setting):
    made(2)
    promotion.promote("tiny@2", "ada")
    use_setting("MODEL", "tiny@1")
    assert followed.get().bundle.info.version == 1
