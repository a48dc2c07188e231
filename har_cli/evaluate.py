"""``har evaluate``: how good a model is on photos whose labels are known."""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from har_cli.output import (
    JsonOption,
    ModelArgument,
    complain,
    examples,
    fail,
    failing_on_errors,
    print_json,
    quiet_runtime,
    verb,
)
from har_cli.reporting import ProgressFileOption, reporting
from har_core import serving
from har_core.bundle import Outliers
from har_core.datasets import store
from har_core.evaluation import judging, metrics, report
from har_core.evaluation.judging import Judged
from har_core.files import write_beside
from har_core.predictor import Predictor

app = verb()

_NAMED, _LABELS_NAMED = 5, 20
_FORMATS = (".html", ".json")


@app.command(
    epilog=examples(
        "har evaluate everyday --dataset mine",
        "har evaluate everyday@2 --dataset mine --split all --output report.html",
    )
)
def evaluate(
    model: ModelArgument,
    dataset: Annotated[str, typer.Option("--dataset", "-d", metavar="NAME", help="The dataset's name.")],
    split: Annotated[
        str, typer.Option(metavar="SPLIT", help="train, val, test, or all: every labelled photo.")
    ] = "test",
    outliers: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A dataset of photos that show none of the labels: how many come out unsure?"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write a report there as well: .html or .json."),
    ] = None,
    json: JsonOption = False,
    progress_file: ProgressFileOption = None,
) -> None:
    """Measure how good a model is on labelled photos.

    Each figure comes with its 95 % interval. What the model says of a photo is kept, and not asked again. Photos that
    it has learnt from are scored apart.

    Exits with 1 where photos cannot be read; they are named, and the others count all the same.
    """
    if output and output.suffix not in _FORMATS:
        fail(f"A report is written as .html or .json, not as {output.name}.", code=2)
    strange, unreadable = None, dict[str, str]()
    with failing_on_errors():
        photos, others = store.load(dataset), store.load(outliers) if outliers else None
        with quiet_runtime():
            predictor = Predictor(serving.find(model))
        with reporting(progress_file) as progress:
            judged = judging.judge(predictor, photos, None if split == "all" else split, progress)
            if others:
                strange, unreadable = judging.judge_outliers(predictor, judged.answers, others, progress)
    if output:
        _write(judged, output)
    _complain(judged, judged.unreadable | unreadable)
    if json:
        found = report.summary(judged)
        print_json(found | {"unreadable": judged.unreadable | unreadable, "outliers": strange and strange.model_dump()})
    else:
        _print(judged, strange)
    if judged.unreadable or unreadable:
        raise typer.Exit(1)


def _write(judged: Judged, output: Path) -> None:
    if output.suffix == ".html":
        text = report.html(judged, report.thumbnails(judged))
    else:
        text = json_module.dumps(report.to_dict(judged), ensure_ascii=False, indent=1) + "\n"
    try:
        write_beside(output, text)
    except OSError as error:
        fail(f"The report {output} cannot be written: {error.strerror}.")


def _print(judged: Judged, strange: Outliers | None) -> None:
    print(f"{judged.model} on {len(judged.answers)} photos of {judged.dataset}, {judged.split or 'all'}:")
    for name, metric in metrics.figures(judged.answers).items():
        print(f"  {name}: {metric}")
    if judged.leaked:
        accuracy = metrics.figures(judged.leaked.answers)["accuracy"]
        print(f"on {len(judged.leaked.answers)} photos that it has seen, which count in no figure above:")
        print(f"  accuracy: {accuracy}")
    if strange:
        print(f"on {strange.n} photos of {strange.dataset}, which show none of the labels:")
        print(f"  unsure_share: {strange.unsure_share}")
        print(f"  auroc of the energy: {strange.auroc}")


def _complain(judged: Judged, unreadable: dict[str, str]) -> None:
    """Says what was left out, and what is not known."""
    if not judged.leaks_known:
        complain(f"{judged.model} carries no list of the photos it has seen: it may know some of these")
    if judged.leaked:
        complain(
            f"{len(judged.leaked.answers)} of the photos, or nearly the same ones, are among those that {judged.model} "
            "has learnt from or was calibrated on: they are scored apart"
        )
    if judged.unknown:
        names = ", ".join(f"{label} ({count})" for label, count in list(judged.unknown.items())[:_LABELS_NAMED])
        names += f" and {len(judged.unknown) - _LABELS_NAMED} more" if len(judged.unknown) > _LABELS_NAMED else ""
        complain(f"left out, since the model does not know these labels: {names}")
    for path, message in list(unreadable.items())[:_NAMED]:
        complain(f"{path}: {message}")
    if len(unreadable) > _NAMED:
        complain(f"… and {len(unreadable) - _NAMED} more that cannot be read")
