"""A trained network → a bundle: converted, calibrated, compared, evaluated, described.

What is calibrated and evaluated is the network as it will serve, in LiteRT and in its precision, not the Keras model.
"""

import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import softmax

from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import Bundle, BundleInfo, Evaluation, Export, Outliers, Precision
from har_core.config import settings
from har_core.datasets import store
from har_core.errors import TrainingError
from har_core.evaluation import calibration, judging, kept, leaks, metrics
from har_core.evaluation.metrics import Answers
from har_core.images import RGBImage
from har_core.litert import Network
from har_core.predictor import Predictor
from har_core.progress import Progress
from training import card, export, network, reliability, starts
from training.recipe import Recipe
from training.runs import Run
from training.selection import Indices, Part, Selection

log = logging.getLogger(__name__)

# Cheapest first.
_FORMS: tuple[Precision, ...] = ("int8", "float16", "float32")
# How much of the validation accuracy a cheaper form may cost.
_ALLOWED_LOSS = 0.005
_COMPARED = 32
_CALIBRATED_ON = 200
_TIMED = 30

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        model: As made by ``network.build``.
        selection: What it was trained on.
        base: The dataset's manifest as it was imported.
        photo: Row of the dataset → uint8 ``(S, S, 3)``.
        revision: Of the code.
        both_ways: As for ``network.serving``.
    """

    model: keras.Model
    selection: Selection
    base: pd.DataFrame
    photo: Callable[[int], RGBImage]
    revision: str
    both_ways: bool

    @property
    def input_size(self) -> int:
        """Side of the network's input, pixels."""
        return int(self.model.input_shape[1])


@dataclass(frozen=True)
class Packaged:
    """A bundle, with its answers on the test split."""

    bundle: Bundle
    answers: Answers


@dataclass(frozen=True)
class _Form:
    """The network in one precision, with its logits on the validation split."""

    content: bytes
    logits: Floats
    record: Export


def package(run: Run, trained: Trained, progress: Progress) -> Packaged:
    """Writes the bundle of a run to ``HAR_HOME/models/NAME@VERSION``.

    Raises:
        TrainingError: LiteRT and Keras give different answers.
    """
    val = trained.selection.parts["val"]
    forms = _forms(run, trained, progress)
    form = _cheapest_as_good(forms) if run.recipe.precision == "auto" else forms[0]
    temperature = calibration.fit_temperature(form.logits, val.truth)
    thresholds = calibration.fit_thresholds(form.logits, val.truth, temperature, run.recipe.sure_precision)
    draft = BundleInfo(
        name=run.model,
        version=serving.next_version(run.model),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=trained.selection.labels,
        input_size=trained.input_size,
        temperature=temperature,
        thresholds=thresholds,
        evaluation=Evaluation(split="test", n=0, metrics={}),
        dataset={
            "name": run.record.dataset,
            "fingerprint": trained.selection.fingerprint,
            "labels_left_out": ", ".join(trained.selection.left_out),
            **{name: len(part.rows) for name, part in trained.selection.parts.items()},
            "unlabelled": len(trained.selection.unlabelled),
        },
        recipe=run.recipe.model_dump(mode="json"),
        code_revision=trained.revision,
        sha256={},
        precision=form.record.precision,
        exports=[tried.record for tried in forms],
        run=run.id,
    )
    return _write(draft, form.content, trained, progress)


def _forms(run: Run, trained: Trained, progress: Progress) -> list[_Form]:
    wanted = run.recipe.precision
    precisions = _FORMS if wanted == "auto" else (wanted,)
    found = []
    for place, precision in enumerate(precisions):
        progress(place, len(precisions), f"converting to {precision}")
        found.append(_form(precision, trained))
        log.info("%s", found[-1].record)
    return found


def _form(precision: Precision, trained: Trained) -> _Form:
    train, val = trained.selection.parts["train"], trained.selection.parts["val"]
    some = np.random.default_rng(0).permutation(train.rows)[:_CALIBRATED_ON]
    photos = np.stack([trained.photo(row) for row in some])
    content = export.to_tflite(trained.model, precision, photos, trained.both_ways)
    logits = _logits(Network(content), trained.photo, val.rows)
    record = Export(
        precision=precision,
        size=len(content),
        accuracy=float((logits.argmax(axis=1) == val.truth).mean()),
        milliseconds=_milliseconds(content, trained),
        parity=_parity(precision, trained, logits),
    )
    return _Form(content, logits, record)


def _cheapest_as_good(forms: list[_Form]) -> _Form:
    """The first form, cheapest first, that is hardly less accurate than the dearest."""
    enough = forms[-1].record.accuracy - _ALLOWED_LOSS
    return next(form for form in forms if form.record.accuracy >= enough)


def _logits(network: Network, photo: Callable[[int], RGBImage], rows: Indices) -> Floats:
    with ThreadPoolExecutor(network.threads) as pool:
        return np.stack(list(pool.map(lambda row: network.run(photo(row))["logits"], rows)))


def _milliseconds(content: bytes, trained: Trained) -> float:
    network, photo = Network(content, threads=1), trained.photo(int(trained.selection.parts["val"].rows[0]))
    seconds = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        network.run(photo)
        seconds.append(time.perf_counter() - started)
    return round(1000 * statistics.median(seconds), 2)


def _parity(precision: Precision, trained: Trained, logits: Floats) -> float:
    """The largest difference of a probability from Keras's.

    Raises:
        TrainingError: It is more than that precision explains.
    """
    rows = trained.selection.parts["val"].rows[:_COMPARED]
    photos = np.stack([trained.photo(row) for row in rows]).astype(np.float32)
    expected = trained.model.predict_on_batch(photos)
    if trained.both_ways:
        expected = (expected + trained.model.predict_on_batch(photos[:, :, ::-1])) / 2
    difference = float(np.abs(softmax(expected, axis=1) - softmax(logits[: len(rows)], axis=1)).max())
    log.info("parity in %s: largest difference of a probability %.2g on %d photos", precision, difference, len(rows))
    if not difference <= bundles.PARITY[precision]:
        raise TrainingError(
            f"The network converted to {precision} answers differently than the one trained: a probability differs by "
            f"{difference:.2g}, more than {bundles.PARITY[precision]:g}."
        )
    return difference


def _write(draft: BundleInfo, content: bytes, trained: Trained, progress: Progress) -> Packaged:
    """Evaluates in a temporary bundle; only then writes the real one."""
    test: Part = trained.selection.parts["test"]
    models = settings().home / "models"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=models) as temporary:
        folder = Path(temporary)
        files = {name: folder / name for name in (bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD)}
        network.without_optimizer(trained.model).save(files[bundles.KERAS])
        files[bundles.TFLITE].write_bytes(content)
        files[bundles.GOLDEN].write_text("{}")
        files[bundles.CARD].write_text("")
        trial = bundles.write(folder / "trial", files, lambda sha256: draft.model_copy(update={"sha256": sha256}))

        progress(0, 1, "evaluating")
        predictor = Predictor(trial)
        with ThreadPoolExecutor(predictor.threads) as pool:
            found = list(pool.map(lambda row: kept.ask(predictor, trained.photo(row)), test.rows))
        answers = judging.together(found, test.truth)
        recipe = Recipe.model_validate(draft.recipe)
        others = store.load(recipe.outliers) if recipe.outliers else None
        strange = judging.judge_outliers(predictor, answers, others, progress)[0] if others else None
        info = draft.model_copy(update={"evaluation": _evaluate(answers, strange)})
        bundles.write_golden(files[bundles.GOLDEN], predictor.probabilities, draft.input_size)
        manifest = trained.selection.manifest
        text = card.render(info, manifest, manifest.loc[test.rows], answers)
        files[bundles.CARD].write_text(text, "utf-8")
        files[bundles.CALIBRATION] = folder / bundles.CALIBRATION
        files[bundles.CALIBRATION].write_bytes(reliability.plot(answers))
        files[bundles.TRAINED_ON] = folder / bundles.TRAINED_ON
        _trained_on(trained, recipe).to_csv(files[bundles.TRAINED_ON], index=False)
        destination = models / f"{info.name}@{info.version}"
        bundle = bundles.write(destination, files, lambda sha256: info.model_copy(update={"sha256": sha256}))
    return Packaged(bundle, answers)


def _trained_on(trained: Trained, recipe: Recipe) -> pd.DataFrame:
    """The photos that the network has learnt from (split ``train``, or none) or was calibrated on (``val``).

    Those of the model that it started from are among them.
    """
    selection = trained.selection
    rows = [selection.parts["train"].rows, selection.parts["val"].rows, selection.unlabelled]
    seen = [trained.base.loc[np.concatenate(rows), list(leaks.COLUMNS)]]
    start = starts.model(recipe)
    if start and bundles.TRAINED_ON in start.info.sha256:
        seen.append(leaks.trained_on(start))
    return pd.concat(seen).drop_duplicates("id")


def _evaluate(answers: Answers, outliers: Outliers | None) -> Evaluation:
    found = metrics.headline(answers)
    for name, metric in found.items():
        log.info("test %s: %.3f (%.3f-%.3f), n = %d", name, metric.value, metric.low, metric.high, len(answers))
    if outliers:
        log.info("%d photos of nothing: %s", outliers.n, outliers)
    return Evaluation(split="test", n=len(answers), metrics=found, outliers=outliers)
