import pytest

from har_core.errors import DatasetError
from training import estimate
from training.recipe import Recipe
from training.selection import select


def test_labels_with_enough_photos_are_taken_and_indexed(coloured_photos):
    found = select(coloured_photos, min_photos=12)
    assert (found.labels, found.left_out) == (["blue", "green", "red"], ["rare"])
    manifest = coloured_photos.manifest()
    for name, part in found.parts.items():
        assert set(manifest.loc[part.rows, "split"]) == {name}
        assert [found.labels[index] for index in part.truth] == manifest.loc[part.rows, "label"].tolist()
    assert sum(len(part.rows) for part in found.parts.values()) == 90


def test_what_is_excluded_is_not_used_and_changes_the_fingerprint(coloured_photos):
    before = select(coloured_photos, 12)
    path = coloured_photos.base()["path"][0]
    coloured_photos.apply("exclude", [path])
    after = select(coloured_photos, 12)
    assert len(after.manifest) == len(before.manifest) - 1
    assert after.fingerprint != before.fingerprint


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data.set_split(data.base()["split"].mask(data.base()["label"].notna())), "har data split"),
        (lambda data: data.set_split(data.base()["split"].mask(data.base()["label"] == "blue", "train")), "blue"),
        (lambda data: data.apply("relabel", list(data.base()["path"]), "red"), "two labels"),
    ],
)
def test_what_cannot_be_trained_on_is_said_before_anything_starts(coloured_photos, spoil, said):
    spoil(coloured_photos)
    with pytest.raises(DatasetError, match=said):
        select(coloured_photos, 12)
    found = estimate.estimate(Recipe(), coloured_photos)
    assert len(found.problems) == 1
    assert said in found.problems[0]


def test_more_work_is_estimated_to_take_longer(coloured_photos):
    def seconds(**changes):
        found = estimate.estimate(Recipe.model_validate(changes), coloured_photos)
        assert found.problems == []
        assert 0 < found.seconds_low < found.seconds_high
        return found.seconds_high

    quick = seconds()
    short, long = (seconds(phases=[{"epochs": epochs}]) for epochs in (2, 20))
    assert quick < short < long
    assert seconds(precision="auto") > quick
    assert seconds(phases=[{"epochs": 2}], distillation={"teachers": 2}) > 2 * (short - quick) + quick
    assert estimate.estimate(Recipe(), coloured_photos).photos == {
        name: len(part.rows) for name, part in select(coloured_photos, 12).parts.items()
    }


def test_a_full_disk_is_foreseen(coloured_photos, monkeypatch):
    monkeypatch.setattr(estimate.shutil, "disk_usage", lambda _: type("", (), {"free": 1000})())
    (problem,) = estimate.estimate(Recipe(), coloured_photos).problems
    assert "disk" in problem
