"""``har restore``: a backup, back in place."""

from pathlib import Path
from typing import Annotated

import typer

from har_cli.output import JsonOption, failing_on_errors, print_json
from har_core import backup
from har_core.config import settings

app = typer.Typer(help="Bring a backup back into an empty HAR_HOME.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="The backup, as `har backup` wrote it.")], json: JsonOption = False
) -> None:
    """Brings a backup back into an empty HAR_HOME; a damaged one is refused, and changes nothing."""
    with failing_on_errors():
        files = backup.restore(file)
    if json:
        print_json({"home": str(settings().home), "files": files})
    else:
        print(f"{settings().home}: {files} files of {file} are back")
