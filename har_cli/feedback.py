"""``har feedback``: what people said of answers: list it, accept it, discard it."""

from typing import Annotated

import typer

from har_cli.output import JsonOption, fail, failing_on_errors, print_json
from har_core import feedback
from har_core.feedback import Entry, Status

app = typer.Typer(help="List, accept and discard what people said of answers.", no_args_is_help=True)

PhotosArgument = Annotated[list[str], typer.Argument(help="As `har feedback list` names them; a beginning is enough.")]


@app.command("list")
def list_entries(
    status: Annotated[Status | None, typer.Option(help="Only those.")] = None, json: JsonOption = False
) -> None:
    """Lists what people said; what waits for review comes with the most uncertain answers first."""
    for entry in feedback.queue() if status == "new" else feedback.entries(status):
        _say(entry, json)


@app.command()
def accept(
    photos: PhotosArgument,
    label: Annotated[str | None, typer.Option(help="The right label, where the person's is wrong.")] = None,
    json: JsonOption = False,
) -> None:
    """Takes photos as examples to learn from; `har data append NAME --from feedback` adds them to a dataset."""
    for photo in photos:
        with failing_on_errors():
            _say(feedback.accept(_found(photo), label), json)


@app.command()
def discard(photos: PhotosArgument, json: JsonOption = False) -> None:
    """Deletes photos; that they were discarded is kept."""
    for photo in photos:
        with failing_on_errors():
            _say(feedback.discard(_found(photo)), json)


def _found(beginning: str) -> str:
    found = [entry.photo for entry in feedback.entries() if entry.photo.startswith(beginning)]
    if len(found) != 1:
        fail(f"{len(found) or 'No'} photos begin with {beginning[:64]}; `har feedback list` names them.")
    return found[0]


def _say(entry: Entry, json: bool) -> None:
    if json:
        print_json(entry.model_dump())
    else:
        print(
            f"{entry.photo[:12]} {entry.status}: {entry.right_label}; {entry.model} said {entry.predicted} "
            f"({entry.confidence:.0%}, {entry.decision}), {entry.source} {entry.time}"
        )
