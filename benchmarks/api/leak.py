"""Whether memory stays flat: ``python -m benchmarks.api.leak [PREDICTIONS] [MODEL_FOLDER]``.

A worker answers for photos of all formats, alone, several at a time and with pictures of where the model looked, with
feedback now and then. MODEL_FOLDER, if given, holds a bundle to be served instead of the default: with a small network
there are more requests in the same time, and it is those that leak.
"""

import itertools
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.api import fuzz, load, servers

_PORT = 8134
_REPORTS = 20
_CLIENTS = 4


def _ask(client: httpx.Client, number: int, photos: list[bytes]) -> int:
    """One request; gives how many photos were answered."""
    photo = photos[number % len(photos)]
    if number % 50 == 0:
        files = [("images", each) for each in photos[:8]]
        return len(client.post("/api/v1/predictions", files=files).raise_for_status().json()["results"])
    options = {"explain": "true"} if number % 20 == 0 else {}
    found = client.post("/api/v1/predictions", params=options, files={"image": photo}).raise_for_status().json()
    if number % 500 == 0:
        said = {"prediction_id": found["id"], "verdict": "right"}
        client.post("/api/v1/feedback", json=said).raise_for_status()
    return 1


def main(count: int = 200_000, models: str = "") -> None:
    """Asks, and prints the worker's memory as it goes."""
    photos = load.photos() + fuzz.originals()
    environment = (
        {"HAR_SHIPPED_MODELS": models, "HAR_MODEL": Path(models).glob("*@*").__next__().name} if models else {}
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.ours(_PORT, Path(folder) / "home", WEB_CONCURRENCY="1", **environment) as pid,
        httpx.Client(base_url=f"http://127.0.0.1:{_PORT}", timeout=60) as client,
        ThreadPoolExecutor(_CLIENTS) as pool,
    ):
        (worker,) = servers.workers(pid)
        numbers, done, started = itertools.count(1), 0, time.perf_counter()
        for report in range(1, _REPORTS + 1):
            while done < count * report / _REPORTS:
                done += sum(pool.map(lambda number: _ask(client, number, photos), itertools.islice(numbers, 200)))
            rate = done / (time.perf_counter() - started)
            print(f"{done} predictions: {servers.resident(worker):.1f} MiB resident; {rate:.0f}/s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, *sys.argv[2:])
