"""Images → predictions, on LiteRT.

The network has one input, a uint8 RGB image, and three outputs: ``logits`` ``(labels,)``, ``class_maps``
``(h, w, labels)`` and ``embedding`` ``(d,)``. It ends in global average pooling and one dense layer, so the logits are
the class maps' mean over all positions, and a class map is that label's class-activation map
(Zhou et al. 2016, https://arxiv.org/abs/1512.04150), exact and without gradients.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from har_core import bundle as bundles
from har_core import scores
from har_core.bundle import Bundle
from har_core.errors import BundleBroken
from har_core.images import RGBImage, resize
from har_core.litert import Floats, Network

Decision = Literal["sure", "unsure"]


@dataclass(frozen=True)
class Score:
    """A label with its calibrated probability, 0–1."""

    label: str
    score: float


@dataclass(frozen=True)
class ModelReference:
    """Which model gave an answer."""

    name: str
    version: int

    def __str__(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Prediction:
    """The answer for one image.

    Attributes:
        predictions: The best labels, best first.
        probabilities: Calibrated, of all labels in the order of the network's outputs, float32 ``(labels,)``.
        decision: ``sure`` when the best label's probability reaches the model's threshold and the photo is familiar.
        threshold: That threshold, 0–1.
        energy: How much the photo looks like those that the model was trained on; see ``scores.energy``.
        is_familiar: Whether that is as much as nearly all photos of the validation split do.
        model: Which model gave the answer.
        class_map: Class-activation map of the best label, float32 ``(h, w)``, in logits.
        embedding: The pooled features, float32 ``(d,)``.
    """

    predictions: tuple[Score, ...]
    probabilities: Floats
    decision: Decision
    threshold: float
    energy: float
    is_familiar: bool
    model: ModelReference
    class_map: Floats
    embedding: Floats

    @property
    def label(self) -> str:
        """The best label."""
        return self.predictions[0].label

    @property
    def confidence(self) -> float:
        """The best label's probability, 0–1."""
        return self.predictions[0].score

    def to_dict(self) -> dict[str, Any]:
        """The fields that the command line and the API answer with, ready for JSON."""
        return {
            "label": self.label,
            "confidence": self.confidence,
            "decision": self.decision,
            "predictions": [{"label": item.label, "score": item.score} for item in self.predictions],
            "model": asdict(self.model),
        }


@dataclass(frozen=True)
class _Outputs:
    logits: Floats
    class_maps: Floats
    embedding: Floats


class Predictor:
    """Answers for one bundle. Safe to share between threads.

    Each photo is run on its own, alone or among many, so its probabilities never depend on its company.

    Attributes:
        bundle: The model's bundle.
        model: Its name and version.
        threads: How many photos are classified at the same time.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        """Loads the network and runs it once, so that the first photo does not wait.

        Args:
            bundle: The model.
            threads: Photos classified at the same time; the settings' value when absent.

        Raises:
            BundleBroken: The network cannot be loaded, or does not fit the bundle's description.
        """
        self.bundle = bundle
        self.model = ModelReference(bundle.info.name, bundle.info.version)
        try:
            self._network = Network(bundle.read(bundles.TFLITE), threads)
            self._check_shapes()
        except (ValueError, RuntimeError, TypeError) as error:
            raise BundleBroken(f"{bundle.folder.name}: the network cannot be loaded: {error}") from error
        self.threads = self._network.threads

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the network's outputs."""
        return self.bundle.info.labels

    @property
    def input_size(self) -> int:
        """Side of the square that images are resized to, pixels."""
        return self.bundle.info.input_size

    def predict(self, image: RGBImage, top_k: int = 3) -> Prediction:
        """Classifies one image.

        Args:
            image: uint8 RGB ``(H, W, 3)``; decode it with ``min_side=input_size`` for speed.
            top_k: How many labels to list, at least 1.
        """
        outputs = self._run(image)
        probabilities, energy = self._calibrate(outputs.logits), float(scores.energy(outputs.logits))
        order = np.argsort(-probabilities, kind="stable")[: max(1, top_k)]
        best = int(order[0])
        bars = self.bundle.info.thresholds
        is_familiar = bars.energy is None or energy >= bars.energy
        return Prediction(
            predictions=tuple(Score(self.labels[i], float(probabilities[i])) for i in order),
            probabilities=probabilities,
            decision="sure" if is_familiar and probabilities[best] >= bars.confidence else "unsure",
            threshold=bars.confidence,
            energy=energy,
            is_familiar=is_familiar,
            model=self.model,
            class_map=outputs.class_maps[..., best],
            embedding=outputs.embedding,
        )

    def predict_many(self, images: Sequence[RGBImage], top_k: int = 3) -> list[Prediction]:
        """Classifies several images on all threads; same answers as one by one, in the order given."""
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda image: self.predict(image, top_k), images))

    def probabilities(self, image: RGBImage) -> Floats:
        """Calibrated probabilities of all labels, float32 ``(labels,)``."""
        return self._calibrate(self._run(image).logits)

    def _run(self, image: RGBImage) -> _Outputs:
        return _Outputs(**self._network.run(resize(image, self.input_size)))

    def _calibrate(self, logits: Floats) -> Floats:
        return scores.probabilities(logits, self.bundle.info.temperature)

    def _check_shapes(self) -> None:
        size = self.input_size
        if self._network.input_shape != (1, size, size, 3):
            raise ValueError(f"its input is {self._network.input_shape}, not (1, {size}, {size}, 3)")
        logits = self._run(np.zeros((size, size, 3), np.uint8)).logits
        if logits.shape != (len(self.labels),):
            raise ValueError(f"it has {logits.size} outputs for {len(self.labels)} labels")
