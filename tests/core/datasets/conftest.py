"""Photos to make datasets of."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from har_core.datasets import ingest
from har_core.datasets.sources import folder


def scene(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A picture of random shapes; each seed gives another."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (192, 144), tuple(rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = rng.integers(0, 160), rng.integers(0, 120)
        box = [x, y, x + rng.integers(10, 90), y + rng.integers(10, 90)]
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=tuple(rng.integers(0, 256, 3)))
    return image.resize(size)


@pytest.fixture
def class_folders(tmp_path) -> Path:
    """Three labels with ten photos each."""
    root = tmp_path / "photos"
    for number in range(30):
        path = root / ("eating", "running", "sitting")[number % 3] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(number).save(path, quality=92)
    return root


@pytest.fixture
def dataset(class_folders):
    return ingest.ingest("small", folder.read(class_folders))
