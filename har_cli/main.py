"""Puts the verbs together. A verb's module is imported only when it is called: some need much that others do not."""

import importlib
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer

from har_cli.output import complain, examples
from har_core.errors import SettingsInvalid

# Verb → its line in `har --help`, which is the first sentence of its own help.
_VERBS = {
    "Recognise": {
        "predict": "Say what is being done in photos, and when in videos.",
        "batch": "Say what is being done in very many photos, in a table.",
    },
    "Data": {
        "data": "Make datasets of labelled photos: import, check and split them.",
        "feedback": "Review what people said of answers, before it becomes data.",
    },
    "Training": {
        "train": "Train a model on a dataset.",
        "search": "Try many recipes, and say which is best.",
        "runs": "Follow, stop and remove trainings.",
    },
    "Models": {
        "models": "See which models there are, and put one in service.",
        "evaluate": "Measure how good a model is on labelled photos.",
    },
    "State": {
        "backup": "Save all that is worth keeping in one file.",
        "restore": "Bring a backup back.",
    },
}


class _Verbs(typer.core.TyperGroup):
    """One module of this package a verb, each with a Typer ``app``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for panel, verbs in _VERBS.items():
            for name, line in verbs.items():
                self.add_command(typer.core.TyperCommand(name, help=line, rich_help_panel=panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Imports the verb that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            command = typer.main.get_command(importlib.import_module(f"har_cli.{name}").app)
            command.name = name
        return name, command, rest


app = typer.Typer(
    name="har",
    cls=_Verbs,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "har predict photo.jpg",
        "har data import folder photos --name mine",
        "har data split mine",
        "har train quick --dataset mine",
    ),
)


def _say_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"har {version('human-action-recognizer')}")
        raise typer.Exit


@app.callback()
def _har(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Recognise what a person does in a photo. Each command has a help of its own: har predict --help."""


def main() -> None:
    """Runs the command; settings that cannot be used are wrong usage."""
    try:
        app(prog_name="har")
    except SettingsInvalid as error:
        complain(str(error))
        sys.exit(2)
