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
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import imagehash
import pandas as pd
from PIL import Image

from har_core import images
from har_core.datasets import cache, duplicates, store
from har_core.datasets import manifest as manifests
from har_core.datasets.sources.candidates import Candidate, Skipped, Source
from har_core.datasets.store import Dataset, DatasetInfo
from har_core.errors import DatasetError, HarError, SourceUnusable
from har_core.files import locked, write_beside
from har_core.progress import Progress, silent

_CHUNK = 2000
_MEASURED_SIDE = 256
_ADDED = "added"
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
    rows, skipped = _read_all(folder, source, progress)
    if not rows:
        first = skipped[0]
        raise SourceUnusable(f"Not one photo can be used. The first: {first.path}: {first.message}")
    if copy:
        _copy_into(folder / "files", rows)
    return _finish(name, folder, source, rows, skipped)


@dataclass(frozen=True)
class Appended:
    """What became of photos that were to be added to a dataset.

    Attributes:
        dataset: The dataset with them.
        photos: Those that were added, as in the manifest.
        apart: The paths that those of them came from that nearly show a photo of ``val`` or ``test``: learnt from, they
            would make figures too good, so they belong to no split.
        skipped: Those that were left out.
    """

    dataset: Dataset
    photos: pd.DataFrame
    apart: list[str]
    skipped: list[Skipped]


def append(name: str, source: Source, progress: Progress = silent) -> Appended:
    """Adds photos to a dataset; they are copied into it.

    Where it is split, they are for training: its ``val`` and ``test`` photos stay what they are. A photo that nearly
    shows the same as one of the dataset joins its group; one that the dataset has already is left out. What is cached
    for the dataset's photos stays in use.

    Args:
        name: The dataset.
        source: What to add; the splits that it names do not count.
        progress: Told after each chunk of photos.

    Raises:
        DatasetNotFound: There is no such dataset.
        DatasetError: It cannot be written.
    """
    before = store.load(name)
    folder = store.root() / f".appending-{name}"
    try:
        with locked(before.folder / ".appending"):
            before = store.load(name)
            rows, skipped = _read_all(folder, source, progress)
            new, repeated = _not_yet_in(before, rows)
            progress(0, 1, "adding photos")
            origins = new["path"].tolist()
            new["path"] = _copied(before, new)
            after = before.extend(lambda photos: _placed(photos, new)) if len(new) else before
            shutil.rmtree(folder, ignore_errors=True)
            added = after.base().iloc[before.info.images :]
            with suppress(DatasetError):  # A cache that cannot be written is only slower.
                cache.extend(before, after)
                cache.remove_stale({store.load(other).info.images_fingerprint for other in store.names()})
            progress(1, 1, "adding photos")
    except OSError as error:
        raise DatasetError(f"The dataset {name} cannot be written: {error.strerror}.") from error
    is_apart = added["split"].isna() & added["label"].notna() & _is_split(after.base())
    apart = [path for path, it_is in zip(origins, is_apart, strict=True) if it_is]
    return Appended(after, added, apart, skipped + repeated)


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
        "path": str(candidate.path.absolute()),
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


def _read_all(folder: Path, source: Source, progress: Progress) -> tuple[list[Row], list[Skipped]]:
    """Reads what a source offers; chunks that an interrupted reading left in the folder are taken over."""
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
    return rows, skipped


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


def _not_yet_in(dataset: Dataset, rows: list[Row]) -> tuple[pd.DataFrame, list[Skipped]]:
    """The photos that a dataset does not have, each once, and the others."""
    photos = manifests.from_rows(rows)
    is_there = photos["id"].isin(dataset.base()["id"]) | photos["id"].duplicated()
    message = "The dataset has this photo already; its label can be put right there."
    repeated = [Skipped(path, "repeated", message) for path in photos.loc[is_there, "path"]]
    return photos[~is_there].reset_index(drop=True), repeated


def _copied(dataset: Dataset, photos: pd.DataFrame) -> list[str]:
    """Copies photos into a dataset, named by their content; their places, relative to it."""
    folder = dataset.folder / _ADDED
    folder.mkdir(exist_ok=True)
    counted = set(dataset.base()["path"])
    for left in folder.iterdir():  # An addition that was interrupted never happened.
        if str(left.resolve()) not in counted:
            left.unlink()
    places = []
    for path, identity in zip(photos["path"], photos["id"], strict=True):
        places.append(f"{_ADDED}/{identity}{Path(path).suffix.lower()}")
        write_beside(dataset.folder / places[-1], functools.partial(shutil.copyfile, path))
    return places


def _placed(photos: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """New rows with their groups and splits, beside the effective manifest of those that are there."""
    both = pd.concat([new, photos[new.columns]], ignore_index=True)
    scenes = pd.Series(duplicates.clusters(both, duplicates.near_pairs(both, first=len(new))))
    there, mine = both.iloc[len(new) :].assign(scene=scenes), scenes.iloc[: len(new)]
    is_measured = there["split"].isin(["val", "test"])
    # Where groups meet in a new photo, one that is measured counts; where there is none, that of the first new photo.
    known = pd.concat([there[is_measured], there, new.assign(scene=mine)]).groupby("scene")["group"].first()
    is_for_training = new["label"].notna() & ~mine.isin(there.loc[is_measured, "scene"]) & _is_split(there)
    split = pd.Series("train", new.index, dtype="string").where(is_for_training)
    return new.assign(group=mine.map(known).astype("string"), split=split)


def _is_split(photos: pd.DataFrame) -> bool:
    return bool(photos["split"].notna().any())


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
