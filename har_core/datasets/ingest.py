"""Verifies what a source offers, photo by photo, and makes a dataset of it.

The work is done beside the dataset's final place, in chunks: an import that was interrupted goes on where it stopped,
and nobody ever sees half a dataset.
"""

import functools
import hashlib
import json
import multiprocessing
import shutil
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import cv2
import imagehash
import pandas as pd
from PIL import Image

from har_core import images
from har_core.datasets import manifest as manifests
from har_core.datasets import store
from har_core.datasets.sources.candidates import Candidate, Skipped, Source
from har_core.datasets.store import Dataset, DatasetInfo
from har_core.errors import DatasetError, HarError, SourceUnusable
from har_core.files import write_beside
from har_core.progress import Progress, silent

_CHUNK = 2000
_MEASURED_SIDE = 256
# Starting processes takes a second or two: not worth it for a few photos.
_FEW = 1000

Row = dict[str, object]


def workplace(name: str) -> Path:
    """The folder in which a dataset of that name is being made."""
    return store.root() / f".importing-{name}"


def ingest(name: str, source: Source, progress: Progress = silent, copy: bool = False) -> Dataset:
    """Reads every candidate and makes the dataset.

    Args:
        name: The dataset's name; there must be none of that name yet.
        source: What to import.
        progress: Told after each chunk of photos.
        copy: Copy the photos into the dataset, instead of leaving them where they are.

    Raises:
        DatasetError: The name cannot be used, or is taken.
        SourceUnusable: Not one of the photos can be read.
    """
    require_free(name)
    folder = workplace(name)
    _start(folder, source)
    candidates, skipped = _without_repeats(source)
    rows: list[Row] = []
    with _workers(len(candidates)) as pool:
        for number, start in enumerate(range(0, len(candidates), _CHUNK)):
            chunk = candidates[start : start + _CHUNK]
            good, bad = _measured(folder / f"chunk-{number:06d}.json", chunk, pool)
            rows += good
            skipped += bad
            progress(start + len(chunk), len(candidates), "reading photos")
    if not rows:
        first = skipped[0]
        raise SourceUnusable(f"Not one photo can be used. The first: {first.path}: {first.message}")
    if copy:
        _copy_into(folder / "files", rows)
    return _finish(name, folder, source, rows, skipped)


def require_free(name: str) -> None:
    """Refuses a name that cannot be given to a new dataset.

    Raises:
        DatasetError: It is no name, or taken.
    """
    store.check_name(name)
    if name in store.names():
        raise DatasetError(f"There is a dataset {name} already. Choose another name, or remove that one first.")


def measure(candidate: Candidate) -> Row | Skipped:
    """Reads one photo: its identity, size, perceptual hashes and quality."""
    try:
        payload = images.read(candidate.path)
        image = images.decode(payload, min_side=_MEASURED_SIDE)
        width, height = images.size(payload)
    except HarError as error:
        return Skipped(str(candidate.path), error.code, str(error))
    identity = hashlib.sha256(payload).hexdigest()
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = _MEASURED_SIDE / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    picture = Image.fromarray(small)
    return {
        "id": identity,
        "path": str(candidate.path),
        "label": candidate.label,
        "split": candidate.split,
        "group": candidate.group or identity,
        "source": candidate.source,
        "width": width,
        "height": height,
        "phash": str(imagehash.phash(picture)),
        "dhash": str(imagehash.dhash(picture)),
        "brightness": float(small.mean()),
        "contrast": float(small.std()),
        "sharpness": float(cv2.Laplacian(small, cv2.CV_64F).var()),
    }


def _start(folder: Path, source: Source) -> None:
    """Prepares the workplace; chunks of another source that lie there are thrown away."""
    digest = hashlib.sha256()
    for item in source.candidates:
        digest.update(f"{item.path}\t{item.label}\t{item.split}\t{item.group}\t{item.source}\n".encode())
    mark = folder / "source"
    if not mark.is_file() or mark.read_text() != digest.hexdigest():
        for path in folder.glob("chunk-*.json"):
            path.unlink()
        write_beside(mark, lambda path: path.write_text(digest.hexdigest()))


def _without_repeats(source: Source) -> tuple[list[Candidate], list[Skipped]]:
    """The candidates, each file once; later mentions of a file are left out by name."""
    first: dict[Path, Candidate] = {}
    skipped = list(source.skipped)
    for item in source.candidates:
        if first.setdefault(item.path, item) is not item:
            skipped.append(Skipped(str(item.path), "repeated", "The file was named before; its first label counts."))
    return list(first.values()), skipped


def _workers(count: int) -> Executor:
    if count <= _FEW:
        return ThreadPoolExecutor()
    return ProcessPoolExecutor(mp_context=multiprocessing.get_context("forkserver"))


def _measured(path: Path, chunk: list[Candidate], pool: Executor) -> tuple[list[Row], list[Skipped]]:
    """A chunk's rows, from its file where an earlier import left it."""
    if not path.is_file():
        found = list(pool.map(measure, chunk, chunksize=50))
        good = [item for item in found if not isinstance(item, Skipped)]
        bad = [asdict(item) for item in found if isinstance(item, Skipped)]
        text = json.dumps({"good": good, "bad": bad})
        write_beside(path, lambda beside: beside.write_text(text, "utf-8"))
    content = json.loads(path.read_text("utf-8"))
    return content["good"], [Skipped(**item) for item in content["bad"]]


def _copy_into(folder: Path, rows: list[Row]) -> None:
    """Copies the photos, and makes the rows name the copies."""
    folder.mkdir(exist_ok=True)
    for number, row in enumerate(rows):
        original = Path(str(row["path"]))
        target = folder / f"{number:07d}{original.suffix.lower()}"
        write_beside(target, functools.partial(shutil.copyfile, original))
        row["path"] = str(target)


def _finish(name: str, folder: Path, source: Source, rows: list[Row], skipped: list[Skipped]) -> Dataset:
    base = manifests.from_rows(rows)
    final = store.root() / name
    inside = base["path"].str.startswith(f"{folder}/")
    base.loc[inside, "path"] = base.loc[inside, "path"].str.removeprefix(f"{folder}/")
    base.to_parquet(folder / store.MANIFEST)
    left_out = pd.DataFrame([asdict(item) for item in skipped], columns=["path", "code", "message"], dtype="string")
    left_out.to_parquet(folder / store.SKIPPED)
    info = DatasetInfo(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        kind=source.kind,
        origin=source.origin,
        images=len(base),
        skipped=len(skipped),
        images_fingerprint=store.images_fingerprint(base),
    )
    (folder / store.INFO).write_text(info.model_dump_json(indent=2), "utf-8")
    for path in [*folder.glob("chunk-*.json"), folder / "source"]:
        path.unlink()
    try:
        folder.rename(final)
    except OSError as error:
        raise DatasetError(f"The dataset {name} cannot be put in its place: {error.strerror}.") from error
    return Dataset(final)


def discard(name: str) -> None:
    """Throws away what an interrupted import of that name left."""
    shutil.rmtree(workplace(name), ignore_errors=True)
