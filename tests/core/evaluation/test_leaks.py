"""Photos that a model has learnt from do not count for how good it is."""

import shutil

import pandas as pd
import pytest
from PIL import Image

from har_core.datasets import ingest
from har_core.datasets.manifest import fingerprint, taught
from har_core.datasets.sources import table
from har_core.errors import BundleBroken, DatasetError
from har_core.evaluation import judging, leaks, metrics
from har_core.predictor import Predictor
from tests.conftest import EXAMPLES

NAMES = ["cycling", "running", "climbing", "playing_music"]


@pytest.fixture
def dataset(tmp_path):
    """Four real photos; of the second and the third there are smaller copies; the fifth is the first once more."""
    lines = ["path,label,split"]
    for place, name in enumerate(NAMES):
        shutil.copy(EXAMPLES / f"{name}.jpg", tmp_path)
        lines.append(f"{name}.jpg,{('red', 'green')[place % 2]},train")
    for name in NAMES[1:3]:
        image = Image.open(EXAMPLES / f"{name}.jpg")
        image.resize((image.width * 2 // 3, image.height * 2 // 3)).save(tmp_path / f"{name}-2.jpg", quality=70)
        lines.append(f"{name}-2.jpg,red,test")
    (tmp_path / "again.jpg").write_bytes((EXAMPLES / "cycling.jpg").read_bytes())
    lines.append("again.jpg,red,test")
    Image.effect_mandelbrot((120, 120), (-2, -1, 1, 1), 30).convert("RGB").save(tmp_path / "other.png")
    lines.append("other.png,blue,test")
    (tmp_path / "photos.csv").write_text("\n".join(lines))
    return ingest.ingest("photos", table.read(tmp_path / "photos.csv"))


@pytest.fixture
def learnt(dataset, rewritten):
    """Makes the tiny model with a list of rows that it has learnt from."""

    def make(version, *rows):
        return rewritten(version, dataset.base().loc[list(rows), list(leaks.COLUMNS)])

    return make


def test_the_same_bytes_and_near_duplicates_are_found(dataset, learnt):
    photos = dataset.manifest()
    assert leaks.seen(learnt(2, 0), photos).nonzero()[0].tolist() == [0, 6], "the same bytes elsewhere"
    assert leaks.seen(learnt(3, 1), photos).nonzero()[0].tolist() == [1, 4], "a smaller copy"
    assert leaks.seen(learnt(4, 4, 5), photos).nonzero()[0].tolist() == [1, 2, 4, 5]
    assert not leaks.seen(learnt(5), photos).any()
    assert leaks.seen(learnt(6, 0), photos.iloc[:0]).tolist() == []


def test_they_are_scored_apart(dataset, learnt):
    bundle = learnt(2, 0, 1, 2)
    judged = judging.judge(Predictor(bundle, 1), dataset, "test")
    assert judged.photos.index.tolist() == [7]
    assert judged.leaked.photos.index.tolist() == [4, 5, 6]
    assert judged.leaks_known
    assert len(judged.answers) == 1
    assert judged.leaked.answers.truth.tolist() == [0, 0, 0]
    again = judging.kept(bundle, dataset, "test")
    assert again.leaked.photos.index.tolist() == [4, 5, 6]


def test_a_model_is_not_judged_by_what_it_has_seen_alone(dataset, learnt):
    predictor = Predictor(learnt(2, *range(8)), 1)
    for split in ("test", "train", None):
        with pytest.raises(DatasetError, match=r"that tiny@2 has not seen.*too good"):
            judging.judge(predictor, dataset, split)


def test_a_bundle_without_a_list_is_flagged(tiny, dataset):
    judged = judging.judge(tiny, dataset, None)
    assert (judged.leaks_known, judged.leaked, len(judged.answers)) == (False, None, 8)


def test_without_a_list_the_dataset_that_it_was_made_from_tells(dataset, rewritten):
    made_from = fingerprint(taught(dataset.manifest(), ["red", "green", "blue"]))
    bundle = rewritten(2, dataset={"fingerprint": made_from})
    judged = judging.judge(Predictor(bundle, 1), dataset, None)
    assert judged.leaked.photos.index.tolist() == [0, 1, 2, 3, 4, 5, 6], "train, and copies of it in test"
    assert not judged.leaks_known
    with pytest.raises(DatasetError, match="has not seen"):
        judging.judge(Predictor(bundle, 1), dataset, "train")
    dataset.apply("relabel", dataset.base()["path"].iloc[[7]].tolist(), "green")
    assert judging.kept(bundle, dataset, None).leaked is None, "it is another dataset now"


@pytest.mark.parametrize(
    "text", ["", "id,phash\n1,2\n", "id,phash,dhash,split\n1,zz,0,train\n", "id,phash,dhash,split\n1,,,\n", "\0\0"]
)
def test_a_list_that_is_none_is_refused(make, rewritten, text):
    bundle = rewritten(2, text)
    with pytest.raises(BundleBroken, match=r"tiny@2: trained_on\.csv is damaged"):
        judging.judge(Predictor(bundle, 1), make("some", ("red", "red")), None)


def test_a_list_of_nothing_is_a_list(rewritten):
    listed = leaks.trained_on(rewritten(2, ",".join(leaks.COLUMNS) + "\n"))
    assert listed.empty
    assert list(listed) == list(leaks.COLUMNS)


def test_figures_are_of_clean_photos_alone(dataset, learnt):
    without = judging.judge(Predictor(learnt(2, 0, 1, 2, 3), 1), dataset, None)
    assert metrics.values(without.answers)["accuracy"] == float(without.answers.right[0])
    assert pd.concat([without.photos, without.leaked.photos]).index.sort_values().tolist() == list(range(8))
