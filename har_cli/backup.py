"""``har backup``: all that is worth keeping, in one file."""

from pathlib import Path
from typing import Annotated

import typer

from har_cli.output import JsonOption, examples, failing_on_errors, tell, verb
from har_core import backup
from har_core.config import settings

app = verb()


@app.command(epilog=examples("har backup /backups/har.tar"))
def save(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The backup, a .tar; an earlier one is replaced once it is complete."),
    ],
    json: JsonOption = False,
) -> None:
    """Save all that is worth keeping in one file.

    That is what lies in HAR_HOME. The system may be running meanwhile.
    """
    with failing_on_errors():
        saved = backup.save(file)
    text = f"{file}: {saved.files} files of {settings().home}, {saved.size / 1e6:.1f} MB"
    if saved.elsewhere:
        text += f"\nNot in it: {saved.elsewhere} photos of datasets, which lie where they were imported from."
    tell(json, {"file": str(file), **saved._asdict()}, text)
