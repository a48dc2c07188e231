"""What training costs.

``python -m benchmarks.training quick LABELS_CSV``: a quick run from cold, and again on cached embeddings.
``python -m benchmarks.training steps LABELS_CSV``: a fine-tuning step with real inputs against the bare
``train_on_batch`` on one repeated batch, turn by turn.
``python -m benchmarks.training tutorial LABELS_CSV``: fine-tuning against ``benchmarks.tutorial`` on the same photos,
for as many epochs: time and accuracy.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_EPOCHS = 12
_STEPS = 25
_ROUNDS = 5


def _har(home: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "har_cli", *arguments, "--json"]
    environment = {**os.environ, "HAR_HOME": str(home)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _prepared(home: Path, labels: str) -> None:
    _har(home, "data", "import", "csv", labels, "--name", "photos")
    _har(home, "data", "split", "photos")


def quick(home: Path) -> None:
    """Whole-process time of ``har train quick``, cold and warm."""
    for name in ("cold", *["cached embeddings"] * 3):
        started = time.monotonic()
        result = _har(home, "train", "quick", "--dataset", "photos")
        accuracy = result["metrics"]["accuracy"]["value"]
        print(f"har train quick, {name}: {time.monotonic() - started:.1f} s; test accuracy {accuracy:.3f}", flush=True)


def steps(home: Path) -> None:
    """Milliseconds a photo with real inputs and without."""
    os.environ["HAR_HOME"] = str(home)
    import keras  # noqa: PLC0415 - the settings are read first here

    from har_core.datasets import cache, store  # noqa: PLC0415
    from training import fit, inputs, network, recipe  # noqa: PLC0415
    from training.selection import select  # noqa: PLC0415

    dataset, plan = store.load("photos"), recipe.load("finetune")
    selection = select(dataset, plan.min_photos)
    train = selection.parts["train"]
    keras.utils.set_random_seed(0)
    model = network.build(plan.backbone, 224, len(selection.labels), plan.regularization.dropout)
    photos = cache.pixels(dataset, 224)
    examples = inputs.Examples.labelled(photos, train.rows, train.truth, len(selection.labels), plan.regularization)
    fit.compiled(model, plan, 0, len(train.rows))

    def epoch(number: int) -> Iterable[Any]:
        return inputs.epoch(examples, plan.augmentation, plan.optimizer.batch_size, (plan.seed, number))

    batch = next(iter(epoch(1)))

    def pace(batches: Iterable[Any], step: Callable[[Any], object]) -> float:
        started, count = time.perf_counter(), 0
        for _, one in zip(range(_STEPS), batches, strict=False):
            step(one)
            count += len(one[0])
        return 1000 * (time.perf_counter() - started) / count

    def bare(one: Any) -> object:
        return model.train_on_batch(*one)

    pace([batch] * 3, bare)
    rounds = [(pace(epoch(number), bare), pace([batch] * _STEPS, bare)) for number in range(_ROUNDS)]
    real, repeated = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    print(
        f"fine-tuning, real inputs: median {real:.1f} ms a photo; bare train_on_batch on one repeated batch: "
        f"{repeated:.1f} ms; ratio {ratio:.2f} (n = {_ROUNDS} pairs of {_STEPS} steps)"
    )


def tutorial(home: Path) -> None:
    """Time and test accuracy, side by side."""
    os.environ["HAR_HOME"] = str(home)
    from har_core.datasets import store  # noqa: PLC0415
    from training import recipe  # noqa: PLC0415
    from training.selection import select  # noqa: PLC0415

    manifest = select(store.load("photos"), recipe.load("finetune").min_photos).manifest
    folder = home / "folders"
    for row, (path, split, label) in enumerate(
        zip(manifest["path"], manifest["split"], manifest["label"], strict=True)
    ):
        link = folder / split / label / f"{row}{Path(path).suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    command = [sys.executable, "-m", "benchmarks.tutorial", str(folder), str(_EPOCHS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    theirs = json.loads(done.stdout.splitlines()[-1])
    print(
        f"tutorial script, {_EPOCHS} epochs: {theirs['seconds']:.0f} s, accuracy {theirs['accuracy']:.3f}", flush=True
    )
    halves = [f"phases.{number}.epochs={_EPOCHS // 2}" for number in (0, 1)]
    settings = [argument for half in halves for argument in ("--set", half)]
    started = time.monotonic()
    ours = _har(home, "train", "finetune", "--dataset", "photos", *settings)
    accuracy = ours["metrics"]["accuracy"]
    print(
        f"har train finetune, {_EPOCHS} epochs, start to bundle: {time.monotonic() - started:.0f} s, "
        f"accuracy {accuracy['value']:.3f} ({accuracy['low']:.3f}-{accuracy['high']:.3f})"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        _prepared(Path(temporary), sys.argv[2])
        {"quick": quick, "steps": steps, "tutorial": tutorial}[sys.argv[1]](Path(temporary))
