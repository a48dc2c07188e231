"""The network that serves, in each precision, and for other runtimes."""

import os
import sys

import keras
import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from har_core import images
from har_core.errors import BackboneUnavailable, BundleBroken, TrainingError
from har_core.litert import Network
from tests.conftest import TINY_LABELS, tiny_network, write_tiny
from training import convert, export, network

SIZE = 96
PHOTOS = np.stack(
    [
        images.resize(np.asarray(photo()), SIZE)
        for photo in (skimage.data.coffee, skimage.data.cat, skimage.data.astronaut, skimage.data.rocket)
    ]
)
# Largest difference of a logit from Keras's, as a share of the largest logit.
TOLERANCE = {"float32": 1e-5, "float16": 1e-2, "int8": 0.25}
BYTES_OF_A_WEIGHT = {"float32": 4, "float16": 2, "int8": 1}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return network.build("efficientnet_lite0", SIZE, labels=5, dropout=0.0)


@pytest.mark.parametrize("precision", TOLERANCE)
def test_every_precision_has_the_same_signature_and_nearly_the_same_answers(model, precision, capfd, caplog):
    caplog.set_level("WARNING")  # Django, where another test has set it up, has TensorFlow tell more.
    capfd.readouterr()
    content = export.to_tflite(model, precision, PHOTOS)
    assert capfd.readouterr() == ("", ""), "the converter's chatter is kept off the log"
    assert len(content) == pytest.approx(BYTES_OF_A_WEIGHT[precision] * model.count_params(), rel=0.25)

    served = Network(content, 1)
    assert served.input_shape == (1, SIZE, SIZE, 3)
    assert served.output_shapes == {"logits": (1, 5), "class_maps": (1, 3, 3, 5), "embedding": (1, 1280)}
    found = [served.run(photo) for photo in PHOTOS]
    assert {value.dtype for outputs in found for value in outputs.values()} == {np.dtype(np.float32)}
    logits = np.stack([outputs["logits"] for outputs in found])
    expected = model.predict(PHOTOS.astype(np.float32), verbose=0)
    tolerance = TOLERANCE[precision] * float(np.abs(expected).max())
    assert logits == pytest.approx(expected, abs=tolerance)
    maps = np.stack([outputs["class_maps"] for outputs in found])
    assert maps.mean(axis=(1, 2)) == pytest.approx(logits, abs=tolerance)


def test_int8_computes_in_eight_bits_with_a_scale_for_each_channel(model):
    interpreter = Interpreter(model_content=export.to_tflite(model, "int8", PHOTOS))
    kernels = [
        detail
        for detail in interpreter.get_tensor_details()
        if detail["dtype"] is np.int8 and len(detail["quantization_parameters"]["scales"]) > 1
    ]
    convolutions = [layer for layer in network.backbone_of(model).layers if "Conv2D" in type(layer).__name__]
    assert len(kernels) == len(convolutions) + 1, "those of the backbone, and the head"
    ops = [op["op_name"] for op in interpreter._get_ops_details()]
    assert ops.count("DEQUANTIZE") == 3, "only the three outputs become floats again"


def test_int8_needs_photos():
    for photos in (None, PHOTOS[:0]):
        with pytest.raises(ValueError, match="photos"):
            export.to_tflite(tiny_network(), "int8", photos)


def test_a_network_that_eight_bits_cannot_compute_is_refused():
    # The runtime would end the process.
    inputs = keras.Input((32, 32, 3))
    padded = keras.ops.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=float("-inf"))
    body = keras.Model(inputs, keras.layers.Conv2D(4, 3)(keras.layers.MaxPooling2D(3, 2)(padded)))
    embedding = keras.layers.GlobalAveragePooling2D(name="embedding")(body(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, name="head")(embedding))
    photos = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    with pytest.raises(TrainingError, match="float16"):
        export.to_tflite(model, "int8", photos)
    assert Network(export.to_tflite(model, "float16"), 1).run(photos[0])["logits"].shape == (3,)


def test_what_the_converter_says_comes_out_when_it_fails(monkeypatch, capfd):
    class Broken:
        def convert(self):
            os.write(2, b"why it fails\n")
            raise RuntimeError("it fails")

    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_concrete_functions", lambda *_: Broken())
    with pytest.raises(RuntimeError, match="it fails"):
        export.to_tflite(tiny_network())
    assert "why it fails" in capfd.readouterr().err
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_a_network_that_could_run_code_is_not_read(tmp_path):
    model = tiny_network()
    inputs = keras.Input((32, 32, 3))
    body = keras.Model(inputs, keras.layers.Lambda(lambda x: x[..., :1] * [[[[1.0, 1, 1, 1]]]])(inputs))
    embedding = keras.layers.GlobalAveragePooling2D(name="embedding")(body(inputs))
    evil = keras.Model(inputs, keras.layers.Dense(len(TINY_LABELS), name="head")(embedding))
    evil.get_layer("head").set_weights(model.get_layer("head").get_weights())
    bundle = write_tiny(tmp_path / "evil@1", tmp_path, evil)
    with pytest.raises(BundleBroken, match=r"model\.keras cannot be read"):
        convert.convert(bundle, "savedmodel", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_changed_network_is_not_read(tiny_bundle, tmp_path):
    with (tiny_bundle.folder / "model.keras").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleBroken, match="was changed"):
        convert.convert(tiny_bundle, "onnx", tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_a_network_of_kerashub_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    bundle = write_tiny(tmp_path / "vit@1", tmp_path, tiny_network(), recipe={"backbone": "kerashub:vit"})
    with pytest.raises(BackboneUnavailable, match="pip install keras-hub"):
        convert.convert(bundle, "onnx", tmp_path / "out.onnx")
