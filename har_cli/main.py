"""Puts the verbs together."""

import sys

import typer

from har_cli import models, predict
from har_cli.output import complain
from har_core.errors import SettingsInvalid

app = typer.Typer(
    name="har",
    help="Recognise what a person does in a photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict")(predict.predict)
app.add_typer(models.app, name="models")


def main() -> None:
    """Runs the command; settings that cannot be used are wrong usage."""
    try:
        app()
    except SettingsInvalid as error:
        complain(str(error))
        sys.exit(2)
