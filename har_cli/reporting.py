"""How commands that take long tell how far they are: a bar on a terminal, a file for another program to read."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from har_core.files import write_beside
from har_core.progress import Progress

ProgressFileOption = Annotated[
    Path | None, typer.Option("--progress-file", hidden=True, help="Keep how far it is in this file, as JSON.")
]

_SECONDS_BETWEEN_WRITES = 0.3


@contextmanager
def reporting(file: Path | None) -> Iterator[Progress]:
    """Gives a ``Progress`` that shows a bar on a terminal's standard error, and keeps the file up to date."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_shown = sys.stderr.isatty()
    with ExitStack() as opened:
        # A way of its own to the screen: the runtime's chatter may be kept off the standard error meanwhile.
        screen = opened.enter_context(os.fdopen(os.dup(sys.stderr.fileno()), "w")) if is_shown else sys.stderr
        bar = opened.enter_context(Bar(*columns, console=Console(file=screen), transient=True, disable=not is_shown))
        task = bar.add_task("starting", total=None)
        written = 0.0

        def report(done: int, total: int, what: str) -> None:
            nonlocal written
            bar.update(task, completed=done, total=total, description=what)
            if file and (done >= total or time.monotonic() - written > _SECONDS_BETWEEN_WRITES):
                written = time.monotonic()
                write_beside(file, json.dumps({"done": done, "total": total, "what": what}))

        yield report
