"""How every verb speaks: results on stdout, failures on stderr, JSON when asked for."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from har_core.errors import HarError, SettingsInvalid

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else, one object a line.")]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="NAME, NAME@VERSION or a bundle's folder.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="A name (everyday), a name with a version (everyday@3) or a bundle's folder; else the one in service.",
    ),
]
TopKOption = Annotated[int, typer.Option(min=1, metavar="N", help="How many labels to list for each photo.")]


def verb(help: str | None = None) -> typer.Typer:
    """The ``app`` of a verb's module.

    Args:
        help: Of one with commands of its own; another one's help is its command's docstring.
    """
    return typer.Typer(help=help, no_args_is_help=help is not None, add_completion=False, rich_markup_mode="markdown")


def examples(*commands: str) -> str:
    """The end of a help: how the command is called."""
    return "\n".join(["Examples:", "```", *commands, "```"])


def print_json(row: Mapping[str, Any]) -> None:
    """Prints one object on one line of stdout."""
    print(json.dumps(row), flush=True)


def tell(as_json: bool, row: Mapping[str, Any], text: str) -> None:
    """Prints what came of it, for programs or for people."""
    if as_json:
        print_json(row)
    else:
        print(text, flush=True)


def complain(message: str) -> None:
    """Prints a line on stderr."""
    print(f"har: {message}", file=sys.stderr, flush=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Says what went wrong and ends the command: with 1 for a failure, 2 for wrong usage."""
    complain(message)
    raise typer.Exit(code)


@contextmanager
def quiet_runtime() -> Iterator[None]:
    """Keeps the runtime's chatter, which its C++ code writes straight to file descriptor 2, off the user's screen."""
    try:
        kept = os.dup(2)
    except OSError:  # There is no standard error to keep quiet.
        yield
        return
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def failing_on_errors() -> Iterator[None]:
    """Ends the command in plain words when the library raises one of its own errors."""
    try:
        yield
    except HarError as error:
        fail(str(error), code=2 if isinstance(error, SettingsInvalid) else 1)
