"""A trained network → a bundle: converted, calibrated, evaluated, described.

What is calibrated and evaluated is the network as it will serve, in LiteRT and in its precision, not the Keras model.
"""

import logging
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import Bundle, BundleInfo, Evaluation, Outliers
from har_core.config import settings
from har_core.datasets import split, store
from har_core.evaluation import calibration, judging, kept, leaks, metrics
from har_core.evaluation.metrics import Answers
from har_core.predictor import Predictor
from har_core.progress import Progress
from training import card, forms, network, reliability, starts
from training.forms import Trained
from training.recipe import Recipe
from training.runs import Run
from training.selection import Part

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packaged:
    """A bundle, with its answers on the test split."""

    bundle: Bundle
    answers: Answers


def package(run: Run, trained: Trained, progress: Progress) -> Packaged:
    """Writes the bundle of a run to ``HAR_HOME/models/NAME@VERSION``.

    Raises:
        TrainingError: LiteRT and Keras give different answers.
    """
    val = trained.selection.parts["val"]
    tried = forms.tried(run.recipe.precision, trained, progress)
    form = forms.cheapest_as_good(tried)
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
        exports=[one.record for one in tried],
        run=run.id,
    )
    return _write(draft, form.content, trained, progress)


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
        manifest = trained.selection.manifest
        info = draft.model_copy(update={"evaluation": _evaluate(answers, strange, split.divided(manifest))})
        bundles.write_golden(files[bundles.GOLDEN], predictor.probabilities, draft.input_size)
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


def _evaluate(answers: Answers, outliers: Outliers | None, divided: list[str]) -> Evaluation:
    found = metrics.headline(answers)
    for name, metric in found.items():
        log.info("test %s: %.3f (%.3f-%.3f), n = %d", name, metric.value, metric.low, metric.high, len(answers))
    if outliers:
        log.info("%d photos of nothing: %s", outliers.n, outliers)
    return Evaluation(split="test", n=len(answers), metrics=found, outliers=outliers, divided=divided)
