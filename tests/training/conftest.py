"""A small dataset that a network can learn in seconds, and what else would take every test long to make."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from har_core import config
from har_core.datasets import ingest
from har_core.datasets.sources import table
from har_core.datasets.split import split_dataset
from training import tracking


@pytest.fixture
def coloured_photos(tmp_path):
    """Ninety photos of noise over three colours, two to a scene, and one photo of a rare label: a dataset, split."""
    rng = np.random.default_rng(0)
    lines = ["path,label,group"]
    for number in range(91):
        label = ("red", "green", "blue")[number % 3] if number < 90 else "rare"
        pixels = rng.integers(0, 80, (48, 48, 3))
        pixels[..., number % 3] += 150
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{label},scene-{number // 6}-{label}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    dataset = ingest.ingest("coloured", table.read(tmp_path / "labels.csv"))
    split_dataset(dataset, val=0.2, test=0.2)
    return dataset


def few_layers(_name, size=64, pretrained=True):
    """A backbone of six layers, with weights that are always the same."""
    import keras
    from keras import initializers, layers

    del pretrained
    inputs = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 64, offset=-2)(inputs)
    x = layers.Conv2D(32, 8, 8, use_bias=False, kernel_initializer=initializers.HeNormal(1))(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.Conv2D(64, 3, padding="same", activation="relu", kernel_initializer=initializers.HeNormal(2))(x)
    return keras.Model(inputs, x, name="few_layers")


@pytest.fixture
def small_backbone(monkeypatch):
    """In this process every backbone is one that TensorFlow builds, trains and converts in a second."""
    from training import backbones

    monkeypatch.setattr(backbones, "build", few_layers)


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory):
    """MLflow's database with all tables, which take long to make."""
    home = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(home))
        config.settings.cache_clear()
        tracking.client().search_registered_models()
    config.settings.cache_clear()
    return home / "mlflow" / "mlflow.db"


@pytest.fixture
def mlflow(empty_mlflow, home):
    """MLflow under HAR_HOME has its tables already."""
    (home / "mlflow").mkdir(parents=True)
    shutil.copy(empty_mlflow, home / "mlflow")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MB."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
