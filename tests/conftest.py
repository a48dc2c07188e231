"""What all tests share: a tiny model made in seconds, the one that ships, and real photos where there are some."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pylibsrtp  # noqa: F401  # Before TensorFlow: loaded after it, it crashes. Only tests need both in one process.
import pytest
from PIL import Image

from har_core import bundle as bundles
from har_core import config, serving
from har_core.bundle import Bundle, BundleInfo, Evaluation, Metric, Thresholds
from har_core.config import PROJECT_ROOT
from har_core.predictor import Predictor
from tests.bundles import variant

TINY_LABELS = ["red", "green", "blue"]
TINY_SIZE = 32
EXAMPLES = PROJECT_ROOT / "har_ui" / "assets" / "examples"


def tiny_network(dropout=0.0):
    """A network whose head sees how red, green and blue an image is, and whose other weights are random."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input((TINY_SIZE, TINY_SIZE, 3), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    backbone = keras.Model(inputs, layers.Conv2D(4, 3, 8, padding="same", activation="relu")(x), name="backbone")
    image = keras.Input((TINY_SIZE, TINY_SIZE, 3), name="image")
    embedding = layers.GlobalAveragePooling2D(name="embedding")(backbone(image))
    model = keras.Model(image, layers.Dense(3, name="head")(layers.Dropout(dropout, name="dropout")(embedding)))
    kernel = np.zeros((3, 3, 3, 4), np.float32)
    kernel[1, 1, range(3), range(3)] = 1
    backbone.layers[-1].set_weights([kernel, np.zeros(4)])
    model.get_layer("head").set_weights([np.eye(4, 3, dtype=np.float32) * 8, np.zeros(3)])
    return model


def tiny_info(sha256, **changes):
    values = {
        "name": "tiny",
        "version": 1,
        "created": datetime.now(UTC).isoformat(),
        "labels": TINY_LABELS,
        "input_size": TINY_SIZE,
        "temperature": 1.0,
        "thresholds": Thresholds(confidence=0.9, precision=0.9),
        "evaluation": Evaluation(split="test", n=3, metrics={"accuracy": Metric(value=1, low=0.5, high=1)}),
        "dataset": {"fingerprint": "0"},
        "recipe": {},
        "code_revision": "test",
        "sha256": sha256,
    }
    return BundleInfo(**{**values, **changes})


def write_tiny(destination: Path, scratch: Path, model, **changes) -> Bundle:
    from training import export

    files = {name: scratch / name for name in (bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD)}
    files[bundles.TFLITE].write_bytes(export.to_tflite(model))
    model.save(files[bundles.KERAS])
    files[bundles.CARD].write_text("# tiny\n")
    files[bundles.GOLDEN].write_text("{}")
    trial = bundles.write(scratch / "trial", files, lambda sha256: tiny_info(sha256, **changes))
    bundles.write_golden(files[bundles.GOLDEN], Predictor(trial, 1).probabilities, TINY_SIZE)
    return bundles.write(destination, files, lambda sha256: tiny_info(sha256, **changes))


@pytest.fixture(scope="session")
def tiny_bundle_source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    return write_tiny(folder / "tiny@1", folder, tiny_network()).folder


@pytest.fixture
def tiny_bundle(tiny_bundle_source, tmp_path) -> Bundle:
    """A copy of the tiny model that a test may spoil."""
    return Bundle(Path(shutil.copytree(tiny_bundle_source, tmp_path / "models" / "tiny@1")))


@pytest.fixture
def made(tiny_bundle, tmp_path, use_setting) -> Callable[..., Bundle]:
    """Makes versions of the tiny model under HAR_HOME; ``tiny@1`` ships and is in service."""
    variant(tiny_bundle, tmp_path / "shipped")
    use_setting("SHIPPED_MODELS", tmp_path / "shipped")
    use_setting("MODEL", "tiny")

    def make(version: int, **changes) -> Bundle:
        return variant(tiny_bundle, config.settings().home / "models", version=version, **changes)

    return make


@pytest.fixture
def tiny(tiny_bundle) -> Predictor:
    return Predictor(tiny_bundle, threads=2)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Iterator[Path]:
    """Keeps what a test writes out of the real state folder, and settings fresh."""
    monkeypatch.setenv("HAR_HOME", str(tmp_path / "home"))
    config.settings.cache_clear()
    yield tmp_path / "home"
    config.settings.cache_clear()


@pytest.fixture
def use_setting(monkeypatch):
    def use(name: str, value: object) -> None:
        monkeypatch.setenv(f"HAR_{name}", str(value))
        config.settings.cache_clear()

    return use


@pytest.fixture(scope="session")
def everyday() -> Predictor:
    """The model that ships."""
    return Predictor(serving.find("everyday"), threads=2)


@pytest.fixture(scope="session")
def photos_root() -> Path:
    """The folder of real photos, named by HAR_TEST_DATA."""
    root = os.environ.get("HAR_TEST_DATA")
    if not root or not Path(root, "everyday", "labels.csv").is_file():
        pytest.skip("HAR_TEST_DATA names no folder of real photos")
    return Path(root)


@pytest.fixture
def save_image(tmp_path):
    """Writes an array as an image file and gives its path."""

    def save(array, name: str = "photo.png", **options) -> Path:
        path = tmp_path / name
        Image.fromarray(np.asarray(array, np.uint8)).save(path, **options)
        return path

    return save


@pytest.fixture(scope="session")
def playwright():
    """One for all tests: a second one beside it would refuse to work."""
    from playwright.sync_api import expect, sync_playwright

    from tests.camera import CHROMIUM

    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is not installed (Debian: apt-get install chromium)"
        if os.environ.get("HAR_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    expect.set_options(timeout=60_000)
    with sync_playwright() as found:
        yield found
