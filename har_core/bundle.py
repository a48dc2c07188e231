"""A trained model on disk: one folder with everything that serving needs.

============== =======================================================================================
bundle.json    ``BundleInfo``: name, version, labels, preprocessing, calibration, metrics, SHA-256 of each file
model.tflite   the network for serving (LiteRT)
model.keras    the network for further training
golden.json    a few inputs made from a seed, with the probabilities expected
card.md        the model card; calibration.svg, where it is there, its plot
trained_on.csv hashes of the photos that it has seen: judged by them, it would look too good; older bundles lack it
============== =======================================================================================
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from har_core.errors import BundleBroken, ModelNotFound
from har_core.images import RGBImage

INFO = "bundle.json"
TFLITE = "model.tflite"
KERAS = "model.keras"
GOLDEN = "golden.json"
CARD = "card.md"
CALIBRATION = "calibration.svg"
TRAINED_ON = "trained_on.csv"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]+\.[a-z0-9]+$")]
Precision = Literal["float32", "float16", "int8"]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100)]

# Largest difference of a probability from that of the network as it was trained. What rounding to 8 bits does is judged
# by the accuracy instead.
PARITY: dict[Precision, float] = {"float32": 1e-3, "float16": 2e-2, "int8": 1.0}


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Preprocessing(_Record):
    """How an image becomes the network's input; scaling to floats happens inside the network."""

    resize: Literal["squeeze"] = "squeeze"
    dtype: Literal["uint8"] = "uint8"
    channels: Literal["RGB"] = "RGB"


class Thresholds(_Record):
    """When an answer counts as sure.

    Attributes:
        confidence: Lowest calibrated probability of the best label.
        precision: The share of right answers among the sure ones that the threshold was chosen for.
        energy: Lowest energy (``scores.energy``) of a photo that is familiar enough; None: any is.
    """

    confidence: float = Field(ge=0, le=1)
    precision: float = Field(ge=0, le=1)
    energy: float | None = None


class Metric(_Record):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As people read it: ``0.850 (0.800–0.900)``."""
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


class Outliers(_Record):
    """Figures on photos that show none of the labels.

    Attributes:
        dataset: Its name.
        n: Number of photos.
        unsure_share: Share of them whose answer is unsure.
        auroc: How well the energy tells them from the photos of ``Evaluation``: the probability that one of these has
            the higher one.
    """

    dataset: str
    n: int = Field(gt=0)
    unsure_share: Metric
    auroc: Metric


class Evaluation(_Record):
    """Figures on photos that the model was not trained on.

    Attributes:
        split: Which part of the dataset.
        n: Number of photos.
        metrics: By name: ``accuracy``, ``macro_f1``, ``ece``, ``sure_share``, ``sure_accuracy``.
        outliers: On photos that show none of the labels, where there were such.
        divided: The labels of which some of these photos show scenes that the model has learnt from: their figures
            flatter. Older bundles say nothing of it.
    """

    split: str
    n: int = Field(ge=0)
    metrics: dict[str, Metric]
    outliers: Outliers | None = None
    divided: list[Label] = []


class Export(_Record):
    """A form of the network that was tried for serving.

    Attributes:
        size: Of the file, bytes.
        accuracy: On the validation split, 0–1.
        milliseconds: One photo on one core, median.
        parity: Largest difference of a probability from that of the network as it was trained, on validation photos.
    """

    precision: Precision
    size: int
    accuracy: float
    milliseconds: float
    parity: float | None = None


class BundleInfo(_Record):
    """Content of ``bundle.json``.

    Attributes:
        labels: In the order of the network's outputs, each once.
        input_size: Side of the square input, pixels.
        temperature: Logits are divided by it before the softmax (Guo et al. 2017, https://arxiv.org/abs/1706.04599).
        sha256: File name → digest, for every file but ``bundle.json`` itself.
        precision: Of the network that serves.
        exports: All forms that were tried, the one that serves among them.
        run: The training run that made it.
    """

    format: Literal[1] = 1
    name: Name
    version: int = Field(ge=1)
    created: str
    labels: list[Label] = Field(min_length=2)
    input_size: int = Field(gt=0, le=2048)
    preprocessing: Preprocessing = Preprocessing()
    temperature: float = Field(ge=0.01, le=100)
    thresholds: Thresholds
    evaluation: Evaluation
    dataset: dict[str, str | int]
    recipe: dict[str, object]
    code_revision: str
    sha256: dict[FileName, str]
    precision: Precision = "float32"
    exports: list[Export] = []
    run: str = ""

    @field_validator("labels")
    @classmethod
    def _differ(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels):
            raise ValueError("a label is there twice")
        return labels

    @property
    def reference(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"


class _Golden(_Record):
    """Content of ``golden.json``. Its bounds keep a file from elsewhere from asking for the world, or for nothing."""

    seed: int = Field(ge=0)
    count: int = Field(ge=1, le=100)
    tolerance: float = Field(gt=0, le=0.01)
    probabilities: list[list[float]]


class Bundle:
    """A bundle's folder, with its description read and checked.

    Attributes:
        digest: SHA-256 of ``bundle.json``, which holds those of the other files: it stands for all of them.
    """

    def __init__(self, folder: Path) -> None:
        """Reads ``bundle.json``.

        Raises:
            ModelNotFound: The folder holds no bundle.
            BundleBroken: The description is damaged, or a file that it names is missing.
        """
        self.folder = folder
        try:
            content = (folder / INFO).read_bytes()
            self.info = BundleInfo.model_validate_json(content)
        except (FileNotFoundError, NotADirectoryError):
            raise ModelNotFound(f"There is no model in {folder}.") from None
        except OSError as error:
            raise BundleBroken(f"{folder.name} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole file"
            raise BundleBroken(f"{folder.name}: {INFO} is damaged at {where}: {first['msg']}.") from error
        for name in {TFLITE, KERAS, GOLDEN, CARD} | set(self.info.sha256):
            if name not in self.info.sha256 or not (folder / name).is_file():
                raise BundleBroken(f"{folder.name} lacks its file {name}.")
        self.digest = hashlib.sha256(content).hexdigest()

    @property
    def reference(self) -> str:
        """``NAME@VERSION``."""
        return self.info.reference

    @property
    def size(self) -> int:
        """Bytes of all its files.

        Raises:
            BundleBroken: One of them has gone.
        """
        try:
            return sum((self.folder / name).stat().st_size for name in (INFO, *self.info.sha256))
        except OSError as error:
            raise BundleBroken(f"{self.folder.name} lacks one of its files: {error.strerror}.") from error

    def read(self, name: str) -> bytes:
        """Reads one of the bundle's files.

        Raises:
            BundleBroken: Its content is not what was written.
        """
        try:
            content = (self.folder / name).read_bytes()
        except OSError as error:
            raise BundleBroken(f"{self.folder.name}: {name} cannot be read: {error.strerror}.") from error
        if hashlib.sha256(content).hexdigest() != self.info.sha256[name]:
            raise BundleBroken(f"{self.folder.name}: {name} was changed since the bundle was written.")
        return content

    def verify_files(self) -> None:
        """Compares every file with its digest.

        Raises:
            BundleBroken: At least one differs; the first is named.
        """
        for name in self.info.sha256:
            self.read(name)


def golden_images(size: int, count: int, seed: int) -> list[RGBImage]:
    """Random images ``(size, size, 3)`` that a seed determines on every machine."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 8, 8, 3), np.uint8)
    return [np.ascontiguousarray(np.kron(image, np.ones((-(-size // 8),) * 2 + (1,), np.uint8))[:size, :size])
            for image in coarse]  # fmt: skip


def write_golden(path: Path, predict: Callable[[RGBImage], npt.NDArray[np.float32]], size: int) -> None:
    """Writes the golden inputs' seed with the probabilities that ``predict`` gives for them."""
    count, seed = 3, 0
    expected = [[round(float(p), 7) for p in predict(image)] for image in golden_images(size, count, seed)]
    path.write_text(json.dumps({"seed": seed, "count": count, "tolerance": 1e-3, "probabilities": expected}), "utf-8")


def verify_golden(bundle: Bundle, predict: Callable[[RGBImage], npt.NDArray[np.float32]]) -> float:
    """Runs the golden inputs.

    Args:
        bundle: The bundle whose ``golden.json`` is used.
        predict: Image → calibrated probabilities, shape ``(labels,)``.

    Returns:
        The largest difference of a probability from the one expected.

    Raises:
        BundleBroken: It is over the tolerance written beside the expectations, or these cannot be read.
    """
    try:
        golden = _Golden.model_validate_json(bundle.read(GOLDEN))
    except ValidationError as error:
        raise BundleBroken(f"{bundle.folder.name}: {GOLDEN} holds no golden answers.") from error
    if [len(row) for row in golden.probabilities] != [len(bundle.info.labels)] * golden.count:
        raise BundleBroken(f"{bundle.folder.name}: {GOLDEN} holds answers for other labels than the model's.")
    images = golden_images(bundle.info.input_size, golden.count, golden.seed)
    difference = float(np.abs(np.stack([predict(image) for image in images]) - np.array(golden.probabilities)).max())
    if not difference <= golden.tolerance:
        raise BundleBroken(f"{bundle.folder.name} answers its golden inputs {difference:.4f} off.")
    return difference


def write(destination: Path, files: dict[str, Path], describe: Callable[[dict[str, str]], BundleInfo]) -> Bundle:
    """Writes a bundle beside its final place, checks it, and renames it into place.

    Args:
        destination: The bundle's folder, which must not exist yet.
        files: Name in the bundle → file to copy, for every file but ``bundle.json``.
        describe: Makes the description, given each file's SHA-256.

    Raises:
        FileExistsError: The destination exists.
    """
    if destination.exists():
        raise FileExistsError(f"{destination} exists already; a bundle is never overwritten.")
    destination.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
    try:
        digests = {}
        for name, source in files.items():
            shutil.copyfile(source, beside / name)
            digests[name] = hashlib.sha256((beside / name).read_bytes()).hexdigest()
        (beside / INFO).write_text(describe(digests).model_dump_json(indent=2) + "\n", "utf-8")
        Bundle(beside).verify_files()
        beside.chmod(0o755)
        beside.rename(destination)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return Bundle(destination)
