"""``har feedback``: what people said of answers: list it, accept it, discard it."""

from collections.abc import Callable
from typing import Annotated

import typer

from har_cli.output import JsonOption, complain, tell, verb
from har_core import feedback
from har_core.errors import FeedbackNotFound, HarError
from har_core.feedback import Entry, Status

app = verb("Review what people said of answers, before it becomes data.")

PhotosArgument = Annotated[
    list[str], typer.Argument(metavar="PHOTO", help="As `har feedback list` names them; a beginning is enough.")
]


@app.command("list")
def list_entries(
    status: Annotated[Status | None, typer.Option(help="Only those.")] = None, json: JsonOption = False
) -> None:
    """List what people said; what waits for review comes with the most uncertain answers first."""
    for entry in feedback.queue() if status == "new" else feedback.entries(status):
        _say(entry, json)


@app.command()
def accept(
    photos: PhotosArgument,
    label: Annotated[str | None, typer.Option(help="The right label, where the person's is wrong.")] = None,
    json: JsonOption = False,
) -> None:
    """Take photos as examples to learn from; `har data append NAME --from feedback` adds them to a dataset."""
    _each(photos, lambda photo: feedback.accept(photo, label), json)


@app.command()
def discard(photos: PhotosArgument, json: JsonOption = False) -> None:
    """Delete photos; that they were discarded is kept."""
    _each(photos, feedback.discard, json)


def _each(photos: list[str], change: Callable[[str], Entry], json: bool) -> None:
    """One that fails is named, and the rest is done all the same."""
    failed = False
    for photo in photos:
        try:
            _say(change(_found(photo)), json)
        except HarError as error:
            failed = True
            complain(str(error))
    if failed:
        raise typer.Exit(1)


def _found(beginning: str) -> str:
    found = [entry.photo for entry in feedback.entries() if entry.photo.startswith(beginning)]
    if len(found) != 1:
        raise FeedbackNotFound(
            f"{len(found) or 'No'} photos begin with {beginning[:64]}; `har feedback list` names them."
        )
    return found[0]


def _say(entry: Entry, json: bool) -> None:
    text = (
        f"{entry.photo[:12]} {entry.status}: {entry.right_label}; {entry.model} said {entry.predicted} "
        f"({entry.confidence:.0%}, {entry.decision}), {entry.source} {entry.time}"
    )
    tell(json, entry.model_dump(), text)
