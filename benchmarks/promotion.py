"""Whether a change of the model in service loses a request: ``python -m benchmarks.promotion [MODEL MODEL]``.

The API, two workers of it, gets 20 photos a second, whether or not it is done with the last ones, while ``har`` puts
two models in service in turn and takes them out again. Each answer names the model that gave it.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from benchmarks.serving import PHOTO
from har_core import serving
from har_core.config import PROJECT_ROOT
from har_core.serving import Entry

_PORT = "8124"
_WORKERS = 2
_RATE = 20
_CALM_SECONDS = 10
_CHANGES = 6
_SECONDS_BETWEEN = 5
# How long after a change requests count as around it.
_AROUND_SECONDS = 3


@dataclass(frozen=True)
class Answer:
    """One request.

    Attributes:
        sent: When it was due, seconds since 1970.
        took: Seconds until it was answered.
        status: HTTP status; 0 where there was no answer.
        model: Which one answered, ``NAME@VERSION``; empty where none did.
    """

    sent: float
    took: float
    status: int
    model: str


@dataclass(frozen=True)
class Change:
    """A change of the model in service, and when it was made, seconds since 1970."""

    at: float
    entry: Entry


@contextmanager
def api(environment: dict[str, str]) -> Iterator[httpx.Client]:
    """The API as it is run; gives a client that makes a connection for each request, so that both workers are asked."""
    with Path(environment["HAR_HOME"], "api.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"],
            cwd=PROJECT_ROOT,
            env=environment | {"HAR_API_PORT": _PORT, "WEB_CONCURRENCY": str(_WORKERS)},
            stdout=log,
            stderr=log,
        )
        base, limits = f"http://127.0.0.1:{_PORT}", httpx.Limits(max_keepalive_connections=0)
        try:
            with httpx.Client(base_url=base, timeout=30, limits=limits) as client:
                _wait(client)
                yield client
        finally:
            server.terminate()
            server.wait(30)


def load(client: httpx.Client, is_over: Callable[[], bool]) -> list[Answer]:
    """Sends photos at a steady rate: requests leave on time, however slow the answers are."""
    started = time.time()
    with ThreadPoolExecutor(64) as pool:
        sent = []
        for number in itertools.count():
            due = started + number / _RATE
            time.sleep(max(0.0, due - time.time()))
            sent.append(pool.submit(_ask, client, due))
            if is_over():
                return [future.result() for future in sent]
    raise AssertionError


def change(environment: dict[str, str], models: Sequence[str]) -> list[Change]:
    """Puts the two models in service in turn; every third change is a rollback."""
    history, changes, turn = Path(environment["HAR_HOME"], "serving.json"), list[Change](), itertools.cycle(models)
    time.sleep(_CALM_SECONDS)
    for number in range(1, _CHANGES + 1):
        model = next(turn)
        arguments = ["rollback"] if number % 3 == 0 else ["promote", model, "--override", "benchmark"]
        done = _har(environment, *arguments, "--why", "benchmark", "--json")
        changes.append(Change(history.stat().st_mtime, Entry.model_validate(json.loads(done))))
        time.sleep(_SECONDS_BETWEEN)
    return changes


def report(answers: Sequence[Answer], changes: Sequence[Change]) -> None:
    """Prints what is to be known."""
    failed = sum(answer.status != 200 for answer in answers)
    print(f"{len(answers)} requests, {_RATE} a second, {_WORKERS} workers: {failed} failed; {len(changes)} changes")
    for item in changes:
        entry, lag = item.entry, _lag(answers, item)
        print(
            f"  {entry.action}: {entry.before} gave its last answer {lag:.2f} s after {entry.model} was put in service"
        )
    print(f"longest time until the old model was gone from all workers: {max(_lag(answers, c) for c in changes):.2f} s")
    calm = [answer for answer in answers if answer.sent < answers[0].sent + _CALM_SECONDS]
    around = [a for a in answers if any(0 <= a.sent - item.at < _AROUND_SECONDS for item in changes)]
    for title, some in (("before any change", calm), (f"{_AROUND_SECONDS} s after each", around), ("all", answers)):
        p50, p99, most = np.percentile([1000 * answer.took for answer in some], [50, 99, 100])
        print(f"{title}: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {most:.0f} ms (n = {len(some)})")


def main(references: Sequence[str]) -> None:
    """Measures with two models, each a name, NAME@VERSION or a bundle's folder; the second one is in service first."""
    bundles = [serving.find(reference) for reference in references]
    models = [bundle.reference for bundle in bundles]
    with tempfile.TemporaryDirectory() as scratch:
        home, shipped = Path(scratch), Path(scratch, "shipped")
        for bundle, folder in zip(bundles, (home / "models", shipped), strict=True):
            shutil.copytree(bundle.folder, folder / bundle.reference)
        own = {"HAR_HOME": scratch, "HAR_SHIPPED_MODELS": str(shipped), "HAR_MODEL": bundles[1].info.name}
        with api(os.environ | own) as client, ThreadPoolExecutor(1) as pool:
            changing = pool.submit(change, os.environ | own, models)
            report(load(client, changing.done), changing.result())


def _ask(client: httpx.Client, due: float) -> Answer:
    try:
        response = client.post("/api/v1/predictions", files={"image": PHOTO.read_bytes()})
    except httpx.HTTPError:
        return Answer(due, time.time() - due, 0, "")
    model = response.json()["model"] if response.status_code == 200 else None
    return Answer(due, time.time() - due, response.status_code, f"{model['name']}@{model['version']}" if model else "")


def _lag(answers: Sequence[Answer], item: Change) -> float:
    """Seconds from a change to the last request that the old model was still given."""
    span = [answer for answer in answers if 0 < answer.sent - item.at < _SECONDS_BETWEEN]
    return max((answer.sent - item.at for answer in span if answer.model == item.entry.before), default=0)


def _har(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "har_cli", "models", *arguments]
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _wait(client: httpx.Client) -> None:
    for _ in range(300):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("The API does not get ready.")


if __name__ == "__main__":
    main(sys.argv[1:] or ("everyday", "sports"))
