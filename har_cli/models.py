"""``har models``: which models there are, and whether their files are sound."""

from typing import Annotated

import typer

from har_cli.output import JsonOption, complain, failing_on_errors, print_json, quiet_runtime
from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import Bundle
from har_core.predictor import Predictor

app = typer.Typer(help="List, show and verify models.", no_args_is_help=True)

ModelArgument = Annotated[str, typer.Argument(help="NAME, NAME@VERSION or a bundle's folder.")]


@app.command("list")
def list_models(json: JsonOption = False) -> None:
    """Lists the models, newest version first."""
    good, errors = serving.bundles()
    for bundle in good:
        if json:
            print_json(_summary(bundle))
        else:
            print(_headline(bundle))
    for error in errors:
        complain(str(error))
    if errors:
        raise typer.Exit(1)


@app.command()
def show(model: ModelArgument, json: JsonOption = False) -> None:
    """Shows what a model's bundle says of itself."""
    with failing_on_errors():
        bundle = serving.find(model)
    if json:
        print_json(bundle.info.model_dump())
    else:
        print((bundle.folder / bundles.CARD).read_text("utf-8"))


@app.command()
def verify(model: ModelArgument, json: JsonOption = False) -> None:
    """Checks every file of a bundle, and that the network still gives the answers expected."""
    with failing_on_errors(), quiet_runtime():
        bundle = serving.find(model)
        bundle.verify_files()
        difference = bundles.verify_golden(bundle, Predictor(bundle, threads=1).probabilities)
    if json:
        print_json({**_summary(bundle), "largest_difference": difference})
    else:
        print(f"{bundle.folder.name}: all files as written; golden answers within {difference:.1g}")


def _summary(bundle: Bundle) -> dict[str, object]:
    info = bundle.info
    return {"name": info.name, "version": info.version, "labels": info.labels, "folder": str(bundle.folder)}


def _headline(bundle: Bundle) -> str:
    info = bundle.info
    accuracy = info.evaluation.metrics.get("accuracy")
    figure = f", accuracy {accuracy.value:.3f} on {info.evaluation.n} photos" if accuracy else ""
    return f"{info.name}@{info.version}: {len(info.labels)} labels, {info.input_size} px{figure}"
