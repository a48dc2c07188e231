"""``har models export``, as a user calls it."""

import json

import numpy as np
import onnx
import onnx.reference
import pytest

from har_core.litert import Network
from tests.conftest import TINY_SIZE

FORMATS = ("savedmodel", "onnx", "tflite")
OUTPUTS = ("logits", "class_maps", "embedding")


@pytest.fixture
def export(call, tiny_bundle, tmp_path):
    """Exports the tiny model to a place below ``tmp_path / "exported"``."""

    def run(form, name="model", *more):
        output = tmp_path / "exported" / name
        return output, *call("models", "export", tiny_bundle.folder, "--format", form, "--output", output, *more)

    return run


@pytest.fixture
def answers(tiny_bundle):
    """Three random photos, and what LiteRT answers."""
    photos = np.random.default_rng(0).integers(0, 256, (3, TINY_SIZE, TINY_SIZE, 3), np.uint8)
    network = Network((tiny_bundle.folder / "model.tflite").read_bytes(), 1)
    found = [network.run(photo) for photo in photos]
    return photos, {name: np.stack([outputs[name] for outputs in found]) for name in OUTPUTS}


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert np.asarray(found[name]) == pytest.approx(values, abs=1e-4)


def test_tflite_is_the_file_that_serves(export, tiny_bundle):
    output, code, out, err = export("tflite", "model.tflite", "--json")
    assert (code, err) == (0, "")
    content = (tiny_bundle.folder / "model.tflite").read_bytes()
    assert json.loads(out) == {
        "model": "tiny@1",
        "format": "tflite",
        "output": str(output),
        "bytes": len(content),
    }
    assert output.read_bytes() == content


def test_onnx_answers_as_litert_does(export, answers):
    output, code, out, err = export("onnx", "model.onnx", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["bytes"] == output.stat().st_size
    assert [path.name for path in output.parent.iterdir()] == ["model.onnx"]
    model = onnx.load(output)
    onnx.checker.check_model(model, full_check=True)
    (image,) = model.graph.input
    assert (image.name, image.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    photos, expected = answers
    names = [value.name for value in model.graph.output]
    found = onnx.reference.ReferenceEvaluator(model).run(None, {"image": photos})
    assert_same(dict(zip(names, found, strict=True)), expected)


def test_a_saved_model_answers_as_litert_does(export, answers):
    import tensorflow as tf

    output, code, out, err = export("savedmodel")
    assert (code, err) == (0, "")
    assert str(output) in out
    assert [path.name for path in output.parent.iterdir()] == ["model"]
    photos, expected = answers
    assert_same(tf.saved_model.load(output).signatures["serving_default"](image=tf.constant(photos)), expected)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_overwritten(export, form, tmp_path):
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "model").write_text("mine")
    output, code, out, err = export(form)
    assert (code, out) == (1, "")
    assert "exists already" in err
    assert output.read_text() == "mine"


@pytest.mark.parametrize("form", FORMATS)
def test_a_changed_bundle_is_not_exported(export, tiny_bundle, form):
    with (tiny_bundle.folder / "model.keras").open("ab") as file:
        file.write(b"x")
    output, code, _, err = export(form)
    assert code == 1
    assert "model.keras was changed" in err
    assert "Traceback" not in err
    assert not output.exists()


@pytest.mark.parametrize("form", ["onnx", "tflite"])
def test_a_place_that_cannot_be_written_is_said(export, form, tmp_path):
    (tmp_path / "exported").write_text("a file")
    _, code, out, err = export(form)
    assert (code, out) == (1, "")
    assert "cannot be written" in err
    assert "Traceback" not in err


def test_an_unknown_format_is_wrong_usage(export):
    _, code, _, err = export("caffe")
    assert code == 2
    assert "savedmodel" in err
