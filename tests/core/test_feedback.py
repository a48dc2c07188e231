"""What people say of answers: kept small, once a photo, reviewed, moved into datasets; and answers of a moment ago."""

import hashlib
import io
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from har_core import feedback, images, recent
from har_core.datasets import ingest, store
from har_core.datasets.sources import people
from har_core.datasets.split import split_dataset
from har_core.errors import (
    FeedbackAdded,
    FeedbackError,
    FeedbackFull,
    FeedbackNotFound,
    FeedbackOff,
    LabelInvalid,
    NotAnImage,
    PredictionNotFound,
    SourceUnusable,
)
from har_core.feedback import Answer
from tests.core.datasets.conftest import class_folders, dataset, scene  # noqa: F401 - fixtures

ANSWER = Answer(label="using_laptop", confidence=0.6, decision="unsure", model="tiny@1")


def photo(seed: int = 0, size: tuple[int, int] = (160, 120), **options) -> bytes:
    buffer = io.BytesIO()
    scene(seed, size).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def say(payload: bytes, label: str | None = None, confidence: float = 0.6, **changes):
    return feedback.record(payload, label, ANSWER.model_copy(update={"confidence": confidence}), "app", **changes)


def files() -> list[str]:
    return sorted(path.name for path in feedback.root().iterdir() if not path.name.startswith("."))


# What is kept


def test_a_prediction_is_kept_as_far_as_feedback_needs_it(tiny):
    found = Answer.of(tiny.predict(np.full((32, 32, 3), (250, 0, 0), np.uint8)))
    assert (found.label, found.model) == ("red", "tiny@1")
    assert found.confidence > 0.9


def test_right_and_wrong_are_told_by_the_label():
    right, wrong = say(photo(0), prediction_id="7"), say(photo(1), "reading")
    assert (right.verdict, right.label, right.status, right.prediction_id) == ("right", "using_laptop", "new", "7")
    assert (wrong.verdict, wrong.label, wrong.predicted, wrong.source) == ("wrong", "reading", "using_laptop", "app")
    assert right.uncertainty == pytest.approx(0.4)
    assert say(photo(2), "Using Laptop").verdict == "right", "the model's own label in other words"
    assert feedback.find(wrong.photo) == wrong
    assert wrong.photo == hashlib.sha256(photo(1)).hexdigest()


def test_the_photo_is_kept_small_upright_and_without_place_or_camera():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera of mine"
    exif.get_ifd(0x8825)[1] = "N"
    entry = say(photo(size=(2400, 1200), exif=exif, comment=b"my garden"))
    payload = feedback.photo_path(entry.photo).read_bytes()
    with Image.open(io.BytesIO(payload)) as kept:
        assert kept.format == "JPEG"
        assert kept.size == (512, 1024)
        assert not kept.getexif()
        assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"camera of mine" not in payload
    small = say(photo(1, (60, 40)))
    with Image.open(feedback.photo_path(small.photo)) as kept:
        assert kept.size == (60, 40), "small photos are not blown up"


def test_others_on_the_machine_cannot_look_into_the_folder():
    say(photo())
    assert feedback.root().stat().st_mode & 0o077 == 0


def test_a_later_word_on_the_same_photo_replaces_the_earlier_one():
    entry = say(photo(), "reading")
    feedback.accept(entry.photo)
    later = say(photo(), "writing", confidence=0.3)
    assert feedback.entries() == [later]
    assert (later.label, later.status, later.reviewed_label) == ("writing", "new", None)


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "a\x00b", "\x1b[31m", "a\u202eb", "\ud800", "x" * 101])
def test_what_cannot_be_a_label_is_refused(label):
    with pytest.raises(LabelInvalid):
        say(photo(), label)
    assert feedback.entries() == []


def test_a_label_is_the_known_one_that_it_reads_like():
    known = ["using_laptop", "sitting"]
    assert feedback.as_label(" Using  Laptop", known) == "using_laptop"
    assert feedback.as_label("SITTING", known) == "sitting"
    assert feedback.as_label("brushing teeth", known) == "brushing teeth"
    assert feedback.as_label("Zähne putzen 🪥", known) == "Zähne putzen 🪥"


def test_what_is_no_photo_is_refused_and_leaves_nothing():
    with pytest.raises(NotAnImage):
        say(b"text")
    assert not feedback.root().exists()


def test_nothing_is_kept_where_feedback_is_off(use_setting):
    use_setting("FEEDBACK", "false")
    with pytest.raises(FeedbackOff):
        say(photo())
    assert not feedback.root().exists()


def test_no_more_is_kept_than_may_be(use_setting):
    use_setting("MAX_FEEDBACK_PHOTOS", 2)
    first, _ = say(photo(0)), say(photo(1))
    with pytest.raises(FeedbackFull, match="2 photos"):
        say(photo(2))
    assert say(photo(0), "reading").label == "reading", "another word on a photo that is kept needs no room"
    feedback.discard(first.photo)
    assert say(photo(2)).status == "new"


def test_a_folder_that_cannot_be_written_is_said_in_words(home):
    home.mkdir()
    (home / "feedback").write_text("in the way")
    with pytest.raises(FeedbackError, match="cannot be kept"):
        say(photo())


def test_damaged_records_are_passed_over_and_those_of_earlier_versions_read():
    entry = say(photo(0))
    old = hashlib.sha256(photo(1)).hexdigest()
    record = f'{{"photo":"{old}","label":"red","predicted":"blue","confidence":0.4,"model":"tiny@1","time":"2026"}}'
    (feedback.root() / f"{old}.json").write_text(record)
    (feedback.root() / f"{old}.photo").write_bytes(photo(1))
    (feedback.root() / f"{'0' * 64}.json").write_text("{}")
    (feedback.root() / f"{'1' * 64}.json").write_text(record)
    (feedback.root() / "x.json").write_bytes(b"\xff\x00")
    assert [item.photo for item in feedback.entries()] == [old, entry.photo]
    assert feedback.accept(old).right_label == "red"
    again = say(photo(1), "blue")
    assert files().count(f"{old}.jpg") == 1
    assert f"{old}.photo" not in files()
    feedback.forget(again.photo)
    assert not [name for name in files() if name.startswith(old)]


# Review


def test_the_queue_begins_with_what_the_model_was_least_sure_of():
    for number, confidence in enumerate((0.9, 0.2, 0.5)):
        say(photo(number), confidence=confidence)
    assert [entry.confidence for entry in feedback.queue()] == [0.2, 0.5, 0.9]
    feedback.accept(feedback.queue()[0].photo)
    assert [entry.confidence for entry in feedback.queue()] == [0.5, 0.9]
    assert [entry.confidence for entry in feedback.entries("accepted")] == [0.2]


def test_a_reviewer_accepts_corrects_or_discards():
    first, second, third = (say(photo(number), "reading").photo for number in range(3))
    assert feedback.accept(first).right_label == "reading"
    corrected = feedback.accept(second, "Using laptop")
    assert (corrected.label, corrected.right_label, corrected.verdict) == ("reading", "using_laptop", "wrong")
    assert feedback.accept(first, "writing").right_label == "writing", "a reviewer may think again"
    gone = feedback.discard(third)
    assert (gone.status, feedback.photo_path(third).exists()) == ("discarded", False)
    with pytest.raises(FeedbackNotFound, match="not kept any more"):
        feedback.accept(third)
    with pytest.raises(LabelInvalid):
        feedback.accept(first, "\n")
    for change in (feedback.accept, feedback.discard):
        with pytest.raises(FeedbackNotFound):
            change("f" * 64)
    assert say(photo(2)).status == "new", "the same photo may be brought again"


def test_what_is_forgotten_leaves_nothing():
    entry = say(photo())
    feedback.forget(entry.photo)
    feedback.forget(entry.photo)
    assert files() == []


def test_no_word_is_lost_when_many_speak_at_once():
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: say(photo(number % 4), f"label {number}"), range(24)))
    assert len(feedback.entries()) == 4
    assert len(files()) == 8


# Into a dataset


@pytest.fixture
def accepted():
    """Three accepted entries, and one that waits."""
    entries = [feedback.accept(say(photo(100 + number), "running").photo) for number in range(3)]
    say(photo(103), "running")
    return entries


def add(dataset):  # noqa: F811
    entries = feedback.entries("accepted")
    found = ingest.append(dataset.name, people.read(entries, dataset), lambda *_: None)
    people.settle(entries, found.dataset)
    return found


def test_accepted_photos_move_into_a_dataset(dataset, accepted):  # noqa: F811
    split_dataset(dataset, 0.2, 0.2)
    found = add(dataset)
    assert found.photos["label"].tolist() == ["running"] * 3
    assert found.photos["source"].tolist() == ["feedback"] * 3
    assert found.photos["split"].tolist() == ["train"] * 3
    added = feedback.entries("added")
    assert {(entry.photo, entry.dataset) for entry in added} == {(entry.photo, "small") for entry in accepted}
    assert not [entry for entry in added if feedback.photo_path(entry.photo).exists()], "the dataset's copy is enough"
    assert len(feedback.queue()) == 1, "what nobody reviewed stays where it is"
    for change in (feedback.accept, feedback.discard, feedback.forget):
        with pytest.raises(FeedbackAdded, match="small as “running”"):
            change(accepted[0].photo)
    with pytest.raises(FeedbackAdded):
        say(photo(100), "sitting")


def test_an_addition_that_was_cut_off_before_it_was_noted_can_be_repeated(dataset, accepted):  # noqa: F811
    ingest.append(dataset.name, people.read(accepted, dataset))
    found = add(store.load("small"))
    assert len(found.photos) == 0
    assert found.dataset.info.images == 33
    assert len(feedback.entries("added")) == len(accepted)


def test_a_photo_that_the_dataset_has_is_not_added_again_smaller(dataset):  # noqa: F811
    entry = say(Path(dataset.base()["path"][0]).read_bytes(), "dancing")
    feedback.accept(entry.photo)
    found = add(dataset)
    assert [item.code for item in found.skipped] == ["repeated"]
    assert found.dataset.info.images == 30
    assert feedback.find(entry.photo).status == "accepted"


def test_what_was_changed_meanwhile_is_not_taken_for_added(dataset, accepted):  # noqa: F811
    found = ingest.append(dataset.name, people.read(accepted, dataset))
    feedback.accept(accepted[0].photo, "jumping")
    assert people.settle(accepted, found.dataset) == 2
    assert feedback.find(accepted[0].photo).right_label == "jumping"


def test_without_anything_accepted_it_is_said_what_to_do():
    with pytest.raises(SourceUnusable, match="page Photos"):
        people.read([])
    say(photo())
    with pytest.raises(SourceUnusable, match="1 wait for review"):
        people.read([])


# Answers of a moment ago


def kept(payload: bytes) -> str:
    identity = str(uuid.uuid4())
    recent.keep(identity, payload, ANSWER)
    return identity


def test_an_answer_is_found_by_its_id_with_its_photo():
    identity = kept(b"first\nsecond")
    assert recent.find(identity) == (b"first\nsecond", ANSWER)
    assert recent.find(identity.upper()) == (b"first\nsecond", ANSWER)
    assert (recent.root() / identity).stat().st_mode & 0o022 == 0
    assert recent.root().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("identity", ["", "x", "../feedback/x", str(uuid.UUID(int=7)), "\x00", "a" * 5000])
def test_an_id_that_is_unknown_is_an_error_that_says_what_to_do(identity):
    kept(b"photo")
    with pytest.raises(PredictionNotFound, match="Send the photo"):
        recent.find(identity)


def test_a_damaged_answer_is_as_good_as_none():
    identity = kept(b"photo")
    (recent.root() / identity).write_bytes(b"{}\nphoto")
    with pytest.raises(PredictionNotFound):
        recent.find(identity)


def test_what_is_too_old_is_not_found_and_goes(use_setting):
    use_setting("FEEDBACK_MINUTES", 2)
    old, young = kept(b"old"), kept(b"young")
    past = (recent.root() / old).stat().st_mtime - 121
    os.utime(recent.root() / old, (past, past))
    with pytest.raises(PredictionNotFound, match="2 minutes"):
        recent.find(old)
    recent.sweep()
    assert [path.name for path in recent.root().iterdir()] == [young]


def test_the_oldest_go_when_there_are_too_many_bytes(monkeypatch):
    names = [kept(b"x" * 1000) for _ in range(4)]
    for age, name in enumerate(reversed(names)):
        past = (recent.root() / name).stat().st_mtime - age
        os.utime(recent.root() / name, (past, past))
    monkeypatch.setattr(recent, "MOST_BYTES", 2500)
    recent.sweep()
    assert {path.name for path in recent.root().iterdir()} == set(names[2:])


def test_who_keeps_a_photo_sweeps_now_and_then(monkeypatch):
    monkeypatch.setattr(recent, "_BYTES_BETWEEN_SWEEPS", 5000)
    swept = []
    monkeypatch.setattr(recent, "_sweeper", recent._Sweeper())
    monkeypatch.setattr(recent, "sweep", lambda: swept.append(1))
    for _ in range(10):
        kept(b"x" * 1000)
    assert 1 < len(swept) < 5


@pytest.mark.parametrize(("name", "value"), [("FEEDBACK", "false"), ("FEEDBACK_MINUTES", 0)])
def test_nothing_is_kept_where_it_is_switched_off_and_what_was_goes(use_setting, name, value, monkeypatch):
    before = kept(b"photo")
    monkeypatch.setattr(recent, "_sweeper", recent._Sweeper())
    use_setting(name, value)
    with pytest.raises(PredictionNotFound):
        recent.find(before)
    kept(b"photo")
    assert list(recent.root().iterdir()) == []


def test_a_disk_that_cannot_be_written_costs_no_answer(home):
    home.mkdir()
    (home / "predictions").write_text("in the way")
    with pytest.raises(PredictionNotFound):
        recent.find(kept(b"photo"))


def test_photos_of_any_size_are_decoded_by_the_only_decoder(monkeypatch):
    asked = []
    decode = images.decode
    monkeypatch.setattr(images, "decode", lambda *args, **kwargs: asked.append(kwargs) or decode(*args, **kwargs))
    say(photo())
    assert asked == [{"min_side": 1024}]
