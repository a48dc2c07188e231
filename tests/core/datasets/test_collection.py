import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from har_core import images
from har_core.datasets import collection, ingest, split, store
from har_core.datasets.sources.candidates import Candidate, Source
from har_core.errors import ActionInvalid, CollectionError, CollectionFull, CollectionNotFound
from tests.core.datasets.conftest import scene


def photos(start: int, count: int) -> list[tuple[str, bytes]]:
    found = []
    for seed in range(start, start + count):
        buffer = io.BytesIO()
        scene(seed).save(buffer, "PNG")
        found.append((f"{seed}.png", buffer.getvalue()))
    return found


@pytest.fixture
def gestures():
    made = collection.create("My gestures")
    made.add_action("waving")
    made.add_action("standing")
    return made


def sizes(dataset) -> dict[str, dict[str, int]]:
    table = dataset.manifest().groupby(["label", "split"]).size().unstack(fill_value=0)
    return table.to_dict("index")


def test_what_was_collected_is_there_when_it_is_opened_again(gestures):
    assert gestures.add("waving", photos(0, 3), scene="burst").count == 3
    record = collection.load("my-gestures").record()
    assert (record.title, record.actions) == ("My gestures", ("waving", "standing"))
    assert [(photo.action, photo.scene) for photo in record.photos] == [("waving", "burst")] * 3
    assert record.lacking() == {"waving": 7, "standing": 10}


def test_photos_are_kept_small_and_without_metadata(gestures):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    buffer = io.BytesIO()
    scene(1, (2000, 1500)).save(buffer, "JPEG", exif=exif)
    gestures.add("waving", [("large.jpg", buffer.getvalue())])
    kept = gestures.path(gestures.record().photos[0]).read_bytes()
    assert images.size(kept) == (640, 480)
    assert b"a camera" in buffer.getvalue()
    assert b"a camera" not in kept


def test_a_bad_photo_is_named_and_the_others_are_kept(gestures):
    first, second = photos(0, 2)
    added = gestures.add("waving", [first, ("bad.jpg", b"no photo"), second, first])
    assert (added.count, added.repeated) == (2, 1)
    assert [item.name for item in added.refused] == ["bad.jpg"]
    assert gestures.add("standing", [first]).repeated == 1


@pytest.mark.parametrize("name", ["", "  ", "***", "a\u202eb", "a\x00b", "x" * 61, "Waving", "wav ing\u200b"])
def test_names_that_are_none_are_refused(gestures, name):
    with pytest.raises(ActionInvalid):
        gestures.add_action(name)
    assert gestures.record().actions == ("waving", "standing")


def test_a_name_is_text_and_nothing_else(gestures):
    for name in ("../../etc", "<script>alert(1)</script>", "танцевать", "hands_up  high"):
        gestures.add_action(name)
    assert gestures.record().actions[-1] == "hands_up high"
    with pytest.raises(ActionInvalid, match="hands_up high"):
        gestures.add_action("Hands up high")


def test_titles_make_names_that_nothing_else_has(gestures):
    ingest.ingest("dance", Source("test", "", [Candidate(write(gestures.folder.parent, 0), "a", "test")]))
    names = [collection.create(title).name for title in ("My gestures!", "Dance", "Мои позы", "x" * 60)]
    assert names == ["my-gestures-2", "dance-2", "my-actions", "x" * 50]


def write(folder, seed):
    path = folder / f"{seed}.png"
    scene(seed).save(path)
    return path


def test_a_renamed_action_keeps_its_photos_and_a_removed_one_leaves_none(gestures):
    gestures.add("waving", photos(0, 2))
    gestures.add("standing", photos(2, 1))
    assert gestures.rename_action("waving", "Waving") == "Waving"
    assert [photo.action for photo in gestures.record().photos] == ["Waving", "Waving", "standing"]
    gone, kept = gestures.record().photos[0], gestures.record().photos[2]
    gestures.remove_action("Waving")
    assert not gestures.path(gone).exists()
    assert gestures.path(kept).exists()
    gestures.remove([kept.id])
    assert not gestures.path(kept).exists()
    with pytest.raises(ActionInvalid, match="no such action"):
        gestures.add("Waving", photos(0, 1))


def test_the_limit_holds_for_all_collections_together(gestures, use_setting):
    use_setting("MAX_COLLECTED_PHOTOS", 3)
    other = collection.create("Other")
    other.add_action("one")
    other.add("one", photos(10, 1))
    with pytest.raises(CollectionFull, match="2 were added, and there is no room for the other 2"):
        gestures.add("waving", photos(0, 4))
    assert len(gestures.record().photos) == 2
    with pytest.raises(CollectionFull):
        collection.create("Third")
    use_setting("MAX_COLLECTED_PHOTOS", 0)
    assert not collection.is_on()


def test_changes_at_the_same_time_are_all_kept(gestures):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda start: gestures.add("waving", photos(start, 2)), range(0, 16, 2)))
    assert len(gestures.record().photos) == 16


def test_it_becomes_an_ordinary_dataset_that_is_made_anew_each_time(gestures):
    with pytest.raises(CollectionError, match="at least 10 photos"):
        gestures.to_dataset()
    gestures.add("waving", photos(0, 10))
    gestures.add("standing", photos(10, 10))
    dataset = gestures.to_dataset()
    assert sizes(dataset) == {label: {"train": 6, "val": 2, "test": 2} for label in ("waving", "standing")}
    assert split.divided(dataset.manifest()) == []
    gestures.remove([gestures.record().of("waving")[0].id])
    gestures.add("waving", photos(20, 3))
    assert len(gestures.to_dataset().base()) == 22
    gestures.delete()
    assert store.names() == collection.names() == []
    with pytest.raises(CollectionNotFound):
        gestures.record()


def test_a_dataset_of_somebody_else_is_left_alone(gestures):
    gestures.add("waving", photos(0, 10))
    gestures.add("standing", photos(10, 10))
    mine = gestures.path(gestures.record().photos[0])
    ingest.ingest("my-gestures", Source("folder", "", [Candidate(mine, "a", "test")]))
    for attempt in (gestures.to_dataset, gestures.delete):
        with pytest.raises(CollectionError, match="another dataset"):
            attempt()
    assert store.load("my-gestures").info.kind == "folder"


def test_photos_of_one_burst_stay_on_one_side_where_there_are_enough_bursts(gestures):
    for number in range(4):
        gestures.add("waving", photos(10 * number, 10), scene=f"waving-{number}")
    gestures.add("standing", photos(100, 20), scene="standing")
    dataset = gestures.to_dataset()
    table = dataset.manifest()
    assert (table[table["label"] == "waving"].groupby("group")["split"].nunique() == 1).all()
    assert sizes(dataset)["waving"] == {"train": 20, "val": 10, "test": 10}
    # One burst is cut by time: what is tested on came last.
    standing = table[table["label"] == "standing"]["split"].tolist()
    assert standing == ["train"] * 12 + ["val"] * 4 + ["test"] * 4
    assert split.divided(dataset.manifest()) == ["standing"]


def test_photos_that_nearly_show_the_same_count_as_one_scene(gestures):
    blurred = [images.decode(payload) for _, payload in photos(0, 1)]
    alike = []
    for number in range(12):
        buffer = io.BytesIO()
        Image.fromarray(np.clip(blurred[0].astype(int) + number, 0, 255).astype(np.uint8)).save(buffer, "PNG")
        alike.append((f"{number}.png", buffer.getvalue()))
    gestures.add("waving", alike)
    gestures.add("standing", photos(10, 12))
    dataset = gestures.to_dataset()
    assert split.divided(dataset.manifest()) == ["waving"]
    assert sizes(dataset)["waving"] == {"train": 8, "val": 2, "test": 2}
