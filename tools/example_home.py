"""Fills a state folder with something of everything, made from the pictures that come with the app.

Nobody's photos are needed, and no network: six drawings, varied in cut, light and tilt, are a small dataset with a few
wrong labels in it, for the pages to find.
"""

import io
import subprocess  # nosec B404
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from har_core import feedback, images, promotion, serving
from har_core.config import PROJECT_ROOT
from har_core.datasets import checks, ingest, store
from har_core.datasets.sources import folder
from har_core.datasets.split import split_dataset
from har_core.datasets.store import Dataset
from har_core.evaluation import judging
from har_core.feedback import Answer
from har_core.predictor import Predictor
from har_ui import recognition
from har_ui.recognition import Photo

DATASET = "drawings"
MODEL = "drawings"

_SIZE = (320, 240)
_PER_LABEL = 12
# Where a label is wrong, so that there is something to review: photo → the label that it gets.
_WRONG = {("running", 0): "cycling", ("climbing", 1): "running", ("cycling", 2): "riding_horse"}
_KNOWN = ("cycling", "climbing", "playing_music", "running", "riding_horse", "using_laptop")


def fill() -> None:
    """Makes a dataset, checked, the answers of a model that ships, and feedback; takes seconds.

    ``HAR_HOME`` says where. Nothing of it may be there yet.
    """
    dataset = make_dataset()
    checks.check(dataset)
    judging.judge(Predictor(serving.find("everyday")), dataset, None)
    say()


def make_dataset() -> Dataset:
    """Imports and splits the drawings."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        rng = np.random.default_rng(0)
        for photo in _drawings():
            label = Path(photo.name).stem
            for number in range(_PER_LABEL):
                path = root / _WRONG.get((label, number), label) / f"{label}-{number:02}.jpg"
                path.parent.mkdir(exist_ok=True)
                _varied(photo, rng).save(path, quality=88)
        (root / "cycling" / "broken.jpg").write_bytes(b"no photo")
        dataset = ingest.ingest(DATASET, folder.read(root), copy=True)
    split_dataset(dataset, 0.2, 0.2)
    return dataset


def say() -> None:
    """What people said of answers: right, wrong, and one that a reviewer has accepted."""
    predictor = Predictor(serving.find("everyday"))
    for photo, label in zip(_drawings(), (None, "bouldering", None, "jumping", None, "reading"), strict=True):
        answer = Answer.of(predictor.predict(images.decode(photo.payload)))
        entry = feedback.record(photo.payload, label, answer, "app")
    feedback.accept(entry.photo)


def train() -> None:
    """Trains two models on what ``fill`` made, judges the second, puts it in service and takes it out; a minute."""
    for recipe, changes in (
        ("quick", [f"name={MODEL}"]),
        ("finetune", [f"name={MODEL}", "phases=[{epochs = 3, train_share = 0.2, learning_rate = 0.0003}]"]),
    ):
        words = [word for change in changes for word in ("--set", change)]
        command = [sys.executable, "-m", "har_cli", "train", recipe, "--dataset", DATASET, *words]
        subprocess.run(command, cwd=PROJECT_ROOT, check=True, stdout=subprocess.DEVNULL)  # nosec B603
    model = serving.find(MODEL)
    judging.judge(Predictor(model), store.load(DATASET), "test")
    promotion.promote(model.reference, "Ada", "To try it.", override="It is only an example.")
    promotion.roll_back("Grace", "It knows six actions only.")


def _drawings() -> list[Photo]:
    return [photo for photo in recognition.examples() if Path(photo.name).stem in _KNOWN]


def _varied(photo: Photo, rng: np.random.Generator) -> Image.Image:
    """A picture cut, mirrored, tilted and lit in another way; two of them are no near-duplicates, as a rule."""
    image: Image.Image = Image.open(io.BytesIO(photo.payload))
    if rng.random() < 0.5:
        image = ImageOps.mirror(image)
    image = image.rotate(rng.uniform(-12, 12), Image.Resampling.BILINEAR, expand=False)
    share = rng.uniform(0.6, 0.85)
    width, height = int(share * image.width), int(share * image.height)
    x, y = int(rng.integers(0, image.width - width)), int(rng.integers(0, image.height - height))
    image = image.crop((x, y, x + width, y + height)).resize(_SIZE)
    return ImageEnhance.Brightness(ImageEnhance.Color(image).enhance(rng.uniform(0.4, 1.3))).enhance(
        rng.uniform(0.45, 1.35)
    )
