"""``har batch``: what is being done in all of these photos?"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer

from har_cli.output import (
    JsonOption,
    ModelOption,
    TopKOption,
    complain,
    examples,
    fail,
    failing_on_errors,
    quiet_runtime,
    tell,
    verb,
)
from har_core import serving
from har_core.batch import locations, runs, sources
from har_core.batch.runs import Engine, Header, Problems
from har_core.batch.scoring import Tally
from har_core.bundle import Bundle
from har_core.predictor import Predictor

app = verb()

_SECONDS_BETWEEN_LINES = 10.0


class EngineName(StrEnum):
    """Where the work is done."""

    LOCAL = "local"
    RAY = "ray"


@app.command(
    epilog=examples(
        "har batch photos answers.csv",
        "har batch 'archive/**/*.jpg' answers.parquet --top-k 1",
        "har batch s3://bucket/list.parquet answers.jsonl --engine ray",
    )
)
def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder, a pattern in quotes ('photos/**/*.jpg'), or a .csv or .parquet table of paths.",
        ),
    ],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="The .parquet, .csv or .jsonl file to make.")],
    engine: Annotated[EngineName, typer.Option(help="All cores of this machine, or a Ray cluster.")] = EngineName.LOCAL,
    model: ModelOption = None,
    top_k: TopKOption = 3,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The table's column of paths; “path” when absent.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what is being done in very many photos, in a table.

    When it was broken off, however that came, the same command goes on.
    """
    if locations.is_uri(output) or Path(output).suffix.lower() not in runs.FORMATS:
        fail(f"OUTPUT must be a file on this machine that ends with {', '.join(runs.FORMATS)}.", code=2)
    started = time.monotonic()
    with failing_on_errors():
        photos = sources.find(source, column)
        bundle = serving.find(model)
        try:
            with _engine(engine, bundle, top_k) as compute, _Meter() as meter:
                tally, problems = runs.run(photos, Path(output), Header.of(bundle, top_k), compute, meter)
        except KeyboardInterrupt:
            fail("Stopped. The same command goes on from here.", code=130)
    seconds = time.monotonic() - started
    _name(problems, tally.failed)
    found = {"output": output, "rows": tally.done, "failed": tally.failed, "errors": dict(problems.counts)}
    row = {**found, "model": bundle.reference, "engine": engine.value, "seconds": round(seconds, 3)}
    tell(json, row, f"{output}: {tally.done:,} rows, {tally.failed:,} of them errors, by {bundle.reference}")
    if tally.failed:
        raise typer.Exit(1)


@contextmanager
def _engine(name: EngineName, bundle: Bundle, top_k: int) -> Iterator[Engine]:
    with ExitStack() as opened:
        with quiet_runtime():
            if name is EngineName.RAY:
                from har_core.batch import cluster  # noqa: PLC0415 - Ray is there only where it is wanted

                opened.enter_context(cluster.connected())
                engine = cluster.engine(bundle, top_k)
            else:
                engine = runs.local(Predictor(bundle, runs.cores()), top_k)
        yield engine


def _name(problems: Problems, failed: int) -> None:
    for row in problems.first:
        complain(f"{row['path']}: {row['error']['message']}")
    if failed > len(problems.first):
        counts = ", ".join(f"{count:,} {code}" for code, count in problems.counts.most_common())
        complain(f"{failed:,} photos in all gave no answer ({counts}); their rows hold the reason.")


class _Meter:
    """Tells on stderr how far it is: in one line that changes on a terminal, else in a line now and then."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        # When there were how many rows: at the beginning, and when the first ones came; a cluster takes its time.
        self._begun: tuple[float, int] | None = None
        self._first: tuple[float, int] | None = None
        self._told = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal and self._first:
            print(file=sys.stderr)

    def __call__(self, tally: Tally, total: int | None) -> None:
        now = time.monotonic()
        if self._begun is None:
            self._begun = (now, tally.done)
            if tally.done:
                complain(f"goes on after {tally.done:,} rows")
            return
        if self._first is None:
            self._first, self._told = (now, tally.done), now
        since, before = self._first if now - self._first[0] > 1 else self._begun
        line = _line(tally, total, (tally.done - before) / max(now - since, 1e-9))
        if self._is_terminal:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif now - self._told >= _SECONDS_BETWEEN_LINES or tally.done == total:
            complain(line)
            self._told = now


def _line(tally: Tally, total: int | None, rate: float) -> str:
    parts = [f"{tally.done:,} photos" if total is None else f"{tally.done:,} of {total:,} photos", f"{rate:.1f}/s"]
    if total is not None and rate:
        parts.append(f"{_duration((total - tally.done) / rate)} left")
    return ", ".join([*parts, f"{tally.failed:,} failed"])


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
