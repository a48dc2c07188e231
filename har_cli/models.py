"""``har models``: which models there are, whether their files are sound, and the same for other runtimes."""

import subprocess  # nosec B404
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from har_cli.output import JsonOption, complain, fail, failing_on_errors, print_json, quiet_runtime
from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from har_core.files import write_beside
from har_core.predictor import Predictor

app = typer.Typer(help="List, show, verify and export models.", no_args_is_help=True)

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


@app.command()
def export(
    model: ModelArgument,
    form: Annotated[
        Literal["savedmodel", "onnx", "tflite"],
        typer.Option("--format", help="For TensorFlow (a folder), ONNX Runtime or LiteRT (a file)."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it; must not exist yet.")],
    json: JsonOption = False,
) -> None:
    """Writes a model for another runtime: a uint8 image in, the logits, class maps and embedding out."""
    with failing_on_errors():
        bundle = serving.find(model)
        bundle.verify_files()
        content = bundle.read(bundles.TFLITE)
    if output.exists():
        fail(f"{output} exists already; nothing is overwritten.")
    if form == "tflite":
        try:
            write_beside(output, lambda path: path.write_bytes(content))
        except OSError as error:
            fail(f"{output} cannot be written: {error.strerror}.")
    else:
        _convert(bundle, form, output)
    if json:
        name = f"{bundle.info.name}@{bundle.info.version}"
        print_json({"model": name, "format": form, "output": str(output), "bytes": _size(output)})
    else:
        print(f"{output}: {_size(output) / 1e6:.1f} MB")


def _convert(bundle: Bundle, form: str, output: Path) -> None:
    """Converts in a process of its own: this one never imports TensorFlow."""
    command = [sys.executable, "-m", "training.convert", str(bundle.folder.absolute()), form, str(output.absolute())]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)  # nosec B603
    if done.returncode:
        said = done.stdout or f"The conversion broke off with status {done.returncode}. {done.stderr}"
        fail(said.strip().splitlines()[-1])


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _summary(bundle: Bundle) -> dict[str, object]:
    info = bundle.info
    return {"name": info.name, "version": info.version, "labels": info.labels, "folder": str(bundle.folder)}


def _headline(bundle: Bundle) -> str:
    info = bundle.info
    accuracy = info.evaluation.metrics.get("accuracy")
    figure = f", accuracy {accuracy.value:.3f} on {info.evaluation.n} photos" if accuracy else ""
    return f"{info.name}@{info.version}: {len(info.labels)} labels, {info.input_size} px{figure}"
