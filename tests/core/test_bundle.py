import json

import numpy as np
import pytest

from har_core import bundle as bundles
from har_core.bundle import Bundle
from har_core.errors import BundleBroken, ModelNotFound
from har_core.predictor import Predictor


def test_a_written_bundle_reads_back_and_verifies(tiny_bundle, tiny):
    tiny_bundle.verify_files()
    assert bundles.verify_golden(tiny_bundle, tiny.probabilities) < 1e-5
    assert not list(tiny_bundle.folder.parent.glob(".*")), "nothing is left beside it"


@pytest.mark.parametrize("name", [bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD])
def test_a_changed_file_is_noticed(tiny_bundle, name):
    path = tiny_bundle.folder / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BundleBroken, match=name):
        tiny_bundle.verify_files()


def test_a_missing_file_is_named(tiny_bundle):
    (tiny_bundle.folder / bundles.TFLITE).unlink()
    with pytest.raises(BundleBroken, match=r"model\.tflite"):
        Bundle(tiny_bundle.folder)


def test_a_folder_without_a_bundle_is_no_model(tmp_path):
    with pytest.raises(ModelNotFound):
        Bundle(tmp_path)


@pytest.mark.parametrize("change", [{"temperature": 0}, {"labels": ["one"]}, {"name": "../up"}, {"surprise": 1}])
def test_a_damaged_description_is_refused_by_field(tiny_bundle, change):
    path = tiny_bundle.folder / bundles.INFO
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BundleBroken, match=next(iter(change))):
        Bundle(tiny_bundle.folder)


def test_a_description_that_is_no_text_is_damaged(tiny_bundle):
    (tiny_bundle.folder / bundles.INFO).write_bytes(b"\xff\xfe{")
    with pytest.raises(BundleBroken, match="damaged"):
        Bundle(tiny_bundle.folder)


def test_a_bundle_is_never_overwritten(tiny_bundle):
    with pytest.raises(FileExistsError):
        bundles.write(tiny_bundle.folder, {}, lambda _: tiny_bundle.info)


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    def fail(_):
        raise RuntimeError("no description")

    with pytest.raises(RuntimeError):
        bundles.write(tmp_path / "models" / "tiny@1", {}, fail)
    assert list((tmp_path / "models").iterdir()) == []


def test_wrong_golden_answers_are_noticed(tiny_bundle):
    with pytest.raises(BundleBroken, match="golden"):
        bundles.verify_golden(tiny_bundle, lambda _: np.full(3, 1 / 3, np.float32))


def test_a_network_that_does_not_fit_its_labels_is_refused(tiny_bundle):
    path = tiny_bundle.folder / bundles.INFO
    path.write_text(json.dumps({**json.loads(path.read_text()), "labels": ["red", "green"]}))
    with pytest.raises(BundleBroken, match="3 outputs for 2 labels"):
        Predictor(Bundle(tiny_bundle.folder))


def test_no_label_is_there_twice(tiny_bundle):
    path = tiny_bundle.folder / bundles.INFO
    path.write_text(json.dumps({**json.loads(path.read_text()), "labels": ["red", "green", "red"]}))
    with pytest.raises(BundleBroken, match=r"labels: .* twice"):
        Bundle(tiny_bundle.folder)
