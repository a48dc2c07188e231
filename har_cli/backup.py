"""``har backup``: all that is worth keeping, in one file."""

from pathlib import Path
from typing import Annotated

import typer

from har_cli.output import JsonOption, failing_on_errors, print_json
from har_core import backup
from har_core.config import settings

app = typer.Typer(help="Save all that is worth keeping in HAR_HOME.")


@app.command()
def save(
    file: Annotated[Path, typer.Argument(help="The backup, a .tar; an earlier one is replaced once it is complete.")],
    json: JsonOption = False,
) -> None:
    """Saves all that is worth keeping in HAR_HOME in one file, also while the system runs."""
    with failing_on_errors():
        saved = backup.save(file)
    if json:
        print_json({"file": str(file), **saved._asdict()})
        return
    print(f"{file}: {saved.files} files of {settings().home}, {saved.size / 1e6:.1f} MB")
    if saved.elsewhere:
        print(f"Not in it: {saved.elsewhere} photos of datasets, which lie where they were imported from.")
