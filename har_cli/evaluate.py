"""``har evaluate``: how good a model is on photos whose labels are known."""

from typing import Annotated, Any

import typer

from har_cli.output import JsonOption, complain, failing_on_errors, print_json, quiet_runtime
from har_cli.reporting import reporting
from har_core import serving
from har_core.bundle import Metric
from har_core.datasets import store
from har_core.evaluation import judging, metrics
from har_core.predictor import Predictor

app = typer.Typer()

_NAMED = 5


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="NAME, NAME@VERSION or a bundle's folder.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="The dataset's name.")],
    split: Annotated[str, typer.Option(help="train, val, test, or all: every labelled photo.")] = "test",
    outliers: Annotated[
        str | None, typer.Option(help="A dataset of photos that show none of the labels: how many come out unsure?")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measures a model on the labelled photos of a dataset, each figure with its 95 % interval.

    Exits with 1 where photos cannot be read; they are named, and the others count all the same.
    """
    strange, unreadable = None, dict[str, str]()
    with failing_on_errors():
        photos, others = store.load(dataset), store.load(outliers) if outliers else None
        with quiet_runtime():
            predictor = Predictor(serving.find(model))
        with reporting(None) as progress:
            judged = judging.judge(predictor, photos, None if split == "all" else split, progress)
            if others:
                strange, unreadable = judging.judge_outliers(predictor, judged.answers, others, progress)
    unreadable |= judged.unreadable
    found = metrics.headline(judged.answers)
    _complain(judged.unknown, unreadable)
    info = predictor.bundle.info
    if json:
        head: dict[str, Any] = {"model": f"{info.name}@{info.version}", "dataset": dataset, "split": split}
        tail = {"unknown_labels": judged.unknown, "outliers": strange and strange.model_dump()}
        figures = {name: metric.model_dump() for name, metric in found.items()}
        print_json(head | {"n": len(judged.answers), **figures} | tail)
    else:
        print(f"{info.name}@{info.version} on {len(judged.answers)} photos of {dataset}, {split}:")
        for name, metric in found.items():
            print(f"  {name}: {_text(metric)}")
        if strange:
            print(f"on {strange.n} photos of {strange.dataset}, which show none of the labels:")
            print(f"  unsure_share: {_text(strange.unsure_share)}")
            print(f"  auroc of the energy: {_text(strange.auroc)}")
    if unreadable:
        raise typer.Exit(1)


def _text(metric: Metric) -> str:
    return f"{metric.value:.3f} ({metric.low:.3f}-{metric.high:.3f})"


def _complain(unknown: dict[str, int], unreadable: dict[str, str]) -> None:
    """Says what was left out."""
    if unknown:
        names = ", ".join(f"{label} ({count})" for label, count in unknown.items())
        complain(f"left out, since the model does not know these labels: {names}")
    for path, message in list(unreadable.items())[:_NAMED]:
        complain(f"{path}: {message}")
    if len(unreadable) > _NAMED:
        complain(f"… and {len(unreadable) - _NAMED} more that cannot be read")
