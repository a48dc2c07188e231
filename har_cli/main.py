"""Puts the verbs together. A verb's module is imported only when it is called: some need much that others do not."""

import importlib
import sys
from typing import Any

import typer

from har_cli.output import complain
from har_core.errors import SettingsInvalid

_VERBS = ("backup", "batch", "data", "evaluate", "feedback", "models", "predict", "restore", "runs", "search", "train")


class _Verbs(typer.core.TyperGroup):
    """One module of this package a verb, each with a Typer ``app``."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs' names."""
        del ctx
        return list(_VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Imports a verb."""
        del ctx
        if cmd_name not in _VERBS:
            return None
        command = typer.main.get_command(importlib.import_module(f"har_cli.{cmd_name}").app)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="har",
    cls=_Verbs,
    help="Recognise what a person does in a photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _har() -> None:
    """Recognise what a person does in a photo."""


def main() -> None:
    """Runs the command; settings that cannot be used are wrong usage."""
    try:
        app()
    except SettingsInvalid as error:
        complain(str(error))
        sys.exit(2)
