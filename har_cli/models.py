"""``har models``: which models there are and which is in service; putting one in service, going back, out and in."""

import getpass
import os
import signal
import subprocess  # nosec B404
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

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
    tell,
    verb,
)
from har_cli.reporting import ProgressFileOption, reporting
from har_core import bundle as bundles
from har_core import latency, promotion, serving, transfer
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from har_core.errors import ImportRefused, ModelError, PromotionRefused
from har_core.files import write_beside
from har_core.predictor import Predictor
from har_core.serving import Check, Entry
from training import pull as pulling
from training import registry
from training.pull import Pulled

app = verb("See which models there are, and put one in service.")

WhyOption = Annotated[str, typer.Option(metavar="TEXT", help="What for; kept in the history.")]


@app.command("list")
def list_models(json: JsonOption = False) -> None:
    """List the models, newest version first; a star marks the one in service."""
    good, errors = serving.bundles()
    served = _in_service()
    for bundle in good:
        row = _summary(bundle) | {"in_service": bundle.reference == served} | _facts(bundle)
        tell(json, row, f"{'*' if bundle.reference == served else ' '} {_headline(bundle)}")
    for error in errors:
        complain(str(error))
    if errors:
        raise typer.Exit(1)


@app.command()
def show(model: ModelArgument, json: JsonOption = False) -> None:
    """Show a model's card, where it comes from, and how long it takes on this machine."""
    with failing_on_errors(), quiet_runtime():
        bundle = serving.find(model)
        milliseconds = latency.measure(bundle)
        card = bundle.read(bundles.CARD).decode("utf-8", "replace")
    if json:
        print_json(bundle.info.model_dump() | {"size": bundle.size, "latency_ms": milliseconds})
        return
    state = ", in service" if bundle.reference == _in_service() else ""
    print(card)
    print(f"{bundle.reference}{state}: {bundle.size / 1e6:.1f} MB, {milliseconds:.1f} ms a photo on one core here")
    print(f"run {bundle.info.run or 'unknown'}, dataset {_dataset(bundle)}, code {bundle.info.code_revision}")


@app.command()
def verify(model: ModelArgument, json: JsonOption = False) -> None:
    """Check every file of a bundle, and that the network still gives the answers expected."""
    with failing_on_errors(), quiet_runtime():
        bundle = serving.find(model)
        bundle.verify_files()
        difference = bundles.verify_golden(bundle, Predictor(bundle, threads=1).probabilities)
    text = f"{bundle.folder.name}: all files as written; golden answers within {difference:.1g}"
    tell(json, {**_summary(bundle), "largest_difference": difference}, text)


@app.command(epilog=examples('har models promote everyday@3 --why "more photos"'))
def promote(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="NAME@VERSION.")],
    why: WhyOption = "",
    override: Annotated[
        str, typer.Option(metavar="TEXT", help="Your reason for doing it although a check fails; kept, too.")
    ] = "",
    json: JsonOption = False,
    progress_file: ProgressFileOption = None,
) -> None:
    """Put a model in service, everywhere within seconds, when its files, answers, figures and speed are right.

    Exits with 1 where it is refused; then nothing has changed.
    """
    with reporting(progress_file) as progress, _refusing(json), quiet_runtime():
        entry = promotion.promote(model, _who(), why, override, progress)
    _announce(entry, json)


@app.command()
def rollback(why: WhyOption = "", json: JsonOption = False) -> None:
    """Go back to the model that was in service before the last promotion; again, to the one before that."""
    with _refusing(json), quiet_runtime():
        entry = promotion.roll_back(_who(), why)
    _announce(entry, json)


@app.command()
def history(json: JsonOption = False) -> None:
    """List who put which model in service, when and why, newest first."""
    with failing_on_errors():
        entries = serving.history()
    for entry in entries:
        tell(json, entry.model_dump(), _line(entry))


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A zip file, as `har models export --format bundle` writes it.")
    ],
    json: JsonOption = False,
) -> None:
    """Take in a model from a zip file, verified, without running any code in it; it is not put in service."""
    try:
        bundle = transfer.unpack_zip(file)
    except ImportRefused as error:
        fail(f"{file} is not taken in. {error}")
    registry.mirror_soon()
    tell(json, _summary(bundle), f"{bundle.reference}: {bundle.folder}")


@app.command()
def pull(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="NAME@VERSION, or NAME for its newest; it is not put in service."),
    ] = None,
    every: Annotated[
        float | None, typer.Option("--every", min=1, metavar="SECONDS", help="Go on, and look so often.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Take a model over from MLflow's registry; without MODEL the one in service, where HAR_FOLLOW is set.

    That one is put in service here, too. A model that is not what the registry promises is refused; while MLflow cannot
    be reached, the model in service here stays.
    """

    def say(pulled: Pulled) -> None:
        row = {"model": pulled.bundle.reference, "digest": pulled.bundle.digest, "pulled": pulled.is_new}
        tell(json, row | {"put_in_service": pulled.is_put}, _said(pulled, is_in_service=model is None))

    if model and every:
        fail("--every follows the model in service: give no MODEL with it.", code=2)
    with failing_on_errors():
        if every:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # So that nothing half fetched is left behind.
            pulling.follow(every, say, complain)
        say(pulling.model(model) if model else pulling.in_service())


def _said(pulled: Pulled, is_in_service: bool) -> str:
    came = "taken over" if pulled.is_new else "here already"
    put = ", and now in service" if pulled.is_put else ", and in service" if is_in_service else ""
    return f"{pulled.bundle.reference}: {came}{put}"


@app.command(
    epilog=examples(
        "har models export everyday@2 --format bundle --output everyday.zip",
        "har models export everyday --format onnx --output everyday.onnx",
    )
)
def export(
    model: ModelArgument,
    form: Annotated[
        Literal["bundle", "savedmodel", "onnx", "tflite"],
        typer.Option(
            "--format", help="For `har models import` (a zip), TensorFlow (a folder), ONNX Runtime or LiteRT (a file)."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="Where to write it; must not exist yet.")
    ],
    json: JsonOption = False,
) -> None:
    """Write a model for elsewhere. All but the zip: a uint8 image in, the logits, class maps and embedding out."""
    with failing_on_errors():
        bundle = serving.find(model)
        bundle.verify_files()
        content = bundle.read(bundles.TFLITE)
    if output.exists():
        fail(f"{output} exists already; nothing is overwritten.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)  # Before anybody waits for a conversion.
        if form == "bundle":
            transfer.pack(bundle, output)
        elif form == "tflite":
            write_beside(output, content)
        else:
            _convert(bundle, form, output)
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}.")
    size = _size(output)
    row = {"model": bundle.reference, "format": form, "output": str(output), "bytes": size}
    tell(json, row, f"{output}: {size / 1e6:.1f} MB")


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


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # In a container, a user need not have a name.
        return f"user {os.getuid()}"


@contextmanager
def _refusing(json: bool) -> Iterator[None]:
    """Ends the command where a model is refused, having shown what was examined."""
    with failing_on_errors():
        try:
            yield
        except PromotionRefused as refused:
            if json:
                checks = [check.model_dump() for check in refused.checks]
                print_json({"error": refused.to_dict(), "checks": checks})
            else:
                _print_checks(refused.checks)
            raise


def _announce(entry: Entry, json: bool) -> None:
    """Says what is in service now, and has MLflow told."""
    registry.mirror_soon()
    if json:
        print_json(entry.model_dump())
    else:
        _print_checks(entry.checks)
        print(f"{entry.model} is in service, in place of {entry.before or 'none'}")


def _print_checks(checks: list[Check]) -> None:
    for check in checks:
        print(f"{'passed' if check.passed else 'FAILED'}  {check.title}. {check.detail}")


def _line(entry: Entry) -> str:
    reasons = [entry.why, f"although a check failed: {entry.override}" if entry.override else ""]
    said = "".join(f"; {reason}" for reason in reasons if reason)
    verb = "promoted" if entry.action == "promote" else "rolled back to"
    return f"{entry.id}  {entry.when}  {entry.who} {verb} {entry.model} (before: {entry.before or 'none'}){said}"


def _in_service() -> str:
    """Empty where there is none."""
    try:
        return serving.in_service()
    except ModelError as error:
        complain(str(error))
        return ""


def _facts(bundle: Bundle) -> dict[str, Any]:
    """What a list of models says of each."""
    info = bundle.info
    return {
        "created": info.created,
        "size": bundle.size,
        "latency_ms": latency.known(bundle),
        "metrics": {name: metric.model_dump() for name, metric in info.evaluation.metrics.items()},
        "run": info.run,
        "dataset": info.dataset,
        "code_revision": info.code_revision,
    }


def _dataset(bundle: Bundle) -> str:
    dataset = bundle.info.dataset
    return f"{dataset.get('name', '')} {str(dataset.get('fingerprint', 'unknown'))[:16]}".strip()


def _summary(bundle: Bundle) -> dict[str, object]:
    info = bundle.info
    return {"name": info.name, "version": info.version, "labels": info.labels, "folder": str(bundle.folder)}


def _headline(bundle: Bundle) -> str:
    info = bundle.info
    accuracy, milliseconds = info.evaluation.metrics.get("accuracy"), latency.known(bundle)
    figure = f", accuracy {accuracy.value:.3f} on {info.evaluation.n} photos" if accuracy else ""
    cost = f"{bundle.size / 1e6:.1f} MB" + (f", {milliseconds:.1f} ms here" if milliseconds else "")
    return f"{bundle.reference}: {len(info.labels)} labels, {info.input_size} px, {cost}{figure}"
