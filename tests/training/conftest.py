"""A small dataset that a network can learn in seconds."""

import subprocess

import numpy as np
import pytest
from PIL import Image

from har_core.datasets import ingest
from har_core.datasets.sources import table
from har_core.datasets.split import split_dataset


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
