"""``har restore``: a backup, back in place."""

from pathlib import Path
from typing import Annotated

import typer

from har_cli.output import JsonOption, examples, failing_on_errors, tell, verb
from har_core import backup
from har_core.config import settings

app = verb()


@app.command(epilog=examples("har restore /backups/har.tar"))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup, as `har backup` wrote it.")],
    json: JsonOption = False,
) -> None:
    """Bring a backup back.

    HAR_HOME must be empty. A damaged backup is refused, and changes nothing.
    """
    with failing_on_errors():
        files = backup.restore(file)
    home = settings().home
    tell(json, {"home": str(home), "files": files}, f"{home}: {files} files of {file} are back")
