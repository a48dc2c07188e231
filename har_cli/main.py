"""Puts the verbs together."""

import typer

from har_cli import models, predict

app = typer.Typer(
    name="har",
    help="Recognise what a person does in a photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict")(predict.predict)
app.add_typer(models.app, name="models")
