"""Photos that somebody collects, action by action, on the way to a model of their own.

A collection is a folder ``HAR_HOME/collections/NAME``: ``collection.json`` says which photo shows which action, and
``photos`` holds them, small and without the camera's notes of place and time. An ordinary dataset of the same name is
made of it when it is to be trained on, and made anew the next time; photos that are removed are deleted at once, and
leave the dataset then.
"""

import hashlib
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from har_core import images
from har_core.config import settings
from har_core.datasets import cache, ingest, split, store
from har_core.datasets.sources.candidates import Candidate, Source
from har_core.datasets.store import Dataset
from har_core.errors import (
    ActionInvalid,
    CollectionError,
    CollectionFull,
    CollectionNotFound,
    DatasetError,
    ImageError,
)
from har_core.files import is_locked, locked, write_beside
from har_core.progress import Progress, silent

PHOTO_SIDE = 640
"""Longest side of a photo that is kept, pixels: more than any network here looks at."""

FEWEST_PHOTOS = 10
"""Photos that each action needs before a model can be made."""

MOST_ACTIONS = 20
MOST_PHOTOS = 1000
"""In one collection."""

LONGEST_NAME = 60
"""Characters of an action's or a collection's name."""

KIND = "collection"
"""Of a dataset that was made of one."""

_RECORD = "collection.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VAL = _TEST = 0.2

Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Photo(BaseModel):
    """One photo.

    Attributes:
        id: SHA-256 of its bytes as they are kept.
        action: What is being done.
        scene: Photos that were taken in one go share it; None: it stands alone.
    """

    model_config = ConfigDict(frozen=True)

    id: Identity
    action: str
    scene: str | None = None


class Record(BaseModel):
    """Content of ``collection.json``.

    Attributes:
        title: Its name, as it was typed.
        actions: In the order in which they were named.
        photos: In the order in which they came.
        run: The training run that was last started on it.
        taught: What ``content`` was then.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    created: str
    actions: tuple[str, ...] = ()
    photos: tuple[Photo, ...] = ()
    run: str | None = None
    taught: str | None = None

    def of(self, action: str) -> list[Photo]:
        """The photos of an action, in the order in which they came."""
        return [photo for photo in self.photos if photo.action == action]

    def content(self) -> str:
        """SHA-256 over which photo shows which action; another one, and there is something to learn anew."""
        return hashlib.sha256("\n".join(f"{photo.id} {photo.action}" for photo in self.photos).encode()).hexdigest()

    def lacking(self) -> dict[str, int]:
        """Action → photos that it still needs, for those that need some."""
        missing = {action: FEWEST_PHOTOS - len(self.of(action)) for action in self.actions}
        return {action: count for action, count in missing.items() if count > 0}


@dataclass(frozen=True)
class Refused:
    """A photo that was not taken in, and why."""

    name: str
    message: str


@dataclass(frozen=True)
class Added:
    """What became of photos that were brought.

    Attributes:
        count: How many were taken in.
        repeated: How many were there already.
        refused: Those that cannot be used.
    """

    count: int
    repeated: int
    refused: list[Refused]


def root() -> Path:
    """The folder of all collections."""
    return settings().home / "collections"


def is_on() -> bool:
    """Whether anything may be collected at all."""
    return settings().max_collected_photos > 0


def names() -> list[str]:
    """The names of all collections, sorted."""
    return sorted(path.parent.name for path in root().glob(f"*/{_RECORD}") if _NAME.fullmatch(path.parent.name))


def load(name: str) -> "Collection":
    """Opens a collection.

    Raises:
        CollectionNotFound: There is none of that name.
    """
    if not _NAME.fullmatch(name) or not (root() / name / _RECORD).is_file():
        raise CollectionNotFound("This model's photos are not here any more. Begin a new one.")
    return Collection(root() / name)


def create(title: str) -> "Collection":
    """Begins a collection.

    Args:
        title: For people; its name is made of it, and is that of no other collection, dataset or model.

    Raises:
        ActionInvalid: The title is none.
        CollectionFull: There is room for no more photos.
        CollectionError: It cannot be written.
    """
    title = _tidy(title, "model")
    _require_room(0)
    record = Record(title=title, created=datetime.now(UTC).isoformat(timespec="seconds"))
    models = settings().home / "models", settings().shipped_models
    try:
        root().mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(root() / ".lock"):
            taken = {*names(), *store.names()}
            taken |= {path.name.partition("@")[0] for folder in models for path in folder.glob("*@*")}
            folder = root() / _free(_slug(title), taken)
            _write(folder, record)
    except OSError as error:
        raise _unwritable(error) from error
    return Collection(folder)


class Collection:
    """One collection. Each change is on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        """Opens it; see ``load``."""
        self.folder = folder
        self.name = folder.name

    def record(self) -> Record:
        """What it holds now.

        Raises:
            CollectionNotFound: It is gone, or damaged.
        """
        try:
            return Record.model_validate_json((self.folder / _RECORD).read_bytes())
        except (OSError, ValidationError):
            raise CollectionNotFound(
                "This model's photos are not here any more, or damaged. Begin a new one."
            ) from None

    def path(self, photo: Photo) -> Path:
        """Where a photo lies."""
        return self.folder / "photos" / f"{photo.id}.jpg"

    def add_action(self, text: str) -> str:
        """Names an action; gives the name as it is kept.

        Raises:
            ActionInvalid: It is no name, or there is such an action already, or there are too many.
        """
        action = _tidy(text, "action")

        def change(record: Record) -> Record:
            _require_new(action, record.actions)
            if len(record.actions) >= MOST_ACTIONS:
                raise ActionInvalid(f"A model here knows at most {MOST_ACTIONS} actions. Remove one first.")
            return record.model_copy(update={"actions": (*record.actions, action)})

        self._change(change)
        return action

    def rename_action(self, action: str, text: str) -> str:
        """Gives an action another name, which its photos take over.

        Raises:
            ActionInvalid: It is no name, or another action has it.
        """
        new = _tidy(text, "action")

        def change(record: Record) -> Record:
            _require_new(new, [other for other in record.actions if other != action])
            photos = tuple(
                photo.model_copy(update={"action": new}) if photo.action == action else photo for photo in record.photos
            )
            actions = tuple(new if other == action else other for other in record.actions)
            return record.model_copy(update={"actions": actions, "photos": photos})

        self._change(change)
        return new

    def remove_action(self, action: str) -> None:
        """Removes an action with its photos."""

        def change(record: Record) -> Record:
            photos = tuple(photo for photo in record.photos if photo.action != action)
            actions = tuple(other for other in record.actions if other != action)
            return record.model_copy(update={"actions": actions, "photos": photos})

        self._change(change)

    def add(
        self, action: str, brought: Iterable[tuple[str, bytes]], scene: str | None = None, progress: Progress = silent
    ) -> Added:
        """Takes in photos of an action; one that cannot be used does not cost the others.

        Args:
            action: What is being done in them.
            brought: Name and file content of each.
            scene: What they share when they were taken in one go.
            progress: Told before each photo; an exception from it interrupts the work, and nothing is taken in.

        Raises:
            ActionInvalid: There is no such action, or not any more.
            CollectionFull: There is no room for them all; those that there is room for are taken in.
            CollectionError: They cannot be written.
        """
        small: dict[str, bytes] = {}
        refused, repeated, brought = [], 0, list(brought)
        for number, (name, payload) in enumerate(brought):
            progress(number, len(brought), "reading photos")
            try:
                content = images.small_jpeg(payload, PHOTO_SIDE)
            except ImageError as error:
                refused.append(Refused(name, str(error)))
                continue
            identity = hashlib.sha256(content).hexdigest()
            repeated += identity in small
            small[identity] = content
        kept = before = 0

        def change(record: Record) -> Record:
            nonlocal kept, before
            if action not in record.actions:
                raise ActionInvalid("There is no such action any more.")
            there = {photo.id for photo in record.photos}
            new = [identity for identity in small if identity not in there]
            before, room = len(small) - len(new), _room(len(record.photos))
            for identity in new[:room]:
                photo = Photo(id=identity, action=action, scene=scene)
                write_beside(self.path(photo), small[photo.id])
            kept = min(len(new), room)
            added = (Photo(id=identity, action=action, scene=scene) for identity in new[:room])
            return record.model_copy(update={"photos": (*record.photos, *added)})

        self._change(change)
        if kept + before < len(small):
            raise CollectionFull(
                f"{kept} were added, and there is no room for the other {len(small) - before - kept}. "
                f"A model here learns from at most {MOST_PHOTOS:,} photos, and {settings().max_collected_photos:,} are "
                "kept for all models together (`HAR_MAX_COLLECTED_PHOTOS`). Remove some first."
            )
        return Added(kept, repeated + before, refused)

    def remove(self, photos: Iterable[str]) -> None:
        """Deletes photos, by their ids."""
        gone = set(photos)
        self._change(
            lambda record: record.model_copy(
                update={"photos": tuple(photo for photo in record.photos if photo.id not in gone)}
            )
        )

    def clear(self) -> None:
        """Deletes all photos, and the dataset that was made of them; the names of the actions stay."""
        self._remove_dataset()
        self._change(lambda record: record.model_copy(update={"photos": ()}))

    def new_scene(self) -> str:
        """A name for photos that are taken in one go now."""
        return f"{self.name}-{secrets.token_hex(6)}"

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Is held from the look whether a training is under way until ``keep_run``: by one at a time, of all processes.

        Raises:
            CollectionNotFound: It is gone.
        """
        self.record()
        with locked(self.folder / ".starting"):
            yield

    def is_starting(self) -> bool:
        """Whether somebody is starting a training on it."""
        return is_locked(self.folder / ".starting")

    def keep_run(self, run: str, taught: str) -> None:
        """Remembers which training run was started on it, and what it is to learn: ``Record.content``."""
        self._change(lambda record: record.model_copy(update={"run": run, "taught": taught}))

    def to_dataset(self, progress: Progress = silent) -> Dataset:
        """Makes a dataset of what was collected, split, in place of the one that was made before.

        Returns:
            The dataset, which bears the collection's name.

        Raises:
            CollectionError: There are too few actions or photos, or another dataset has taken the name.
            DatasetError: It cannot be written.
        """
        record = self.record()
        if len(record.actions) < 2:
            raise CollectionError("A model needs at least two actions to choose between.")
        if record.lacking():
            raise CollectionError(f"Each action needs at least {FEWEST_PHOTOS} photos.")
        source = Source(KIND, record.title)
        source.candidates += [
            Candidate(self.path(photo), photo.action, KIND, group=photo.scene) for photo in record.photos
        ]
        with locked(self.folder / ".making"):
            self._remove_dataset()
            dataset = ingest.ingest(self.name, source, progress, copy=True)
            split.split_collected(dataset, _VAL, _TEST)
        return dataset

    def delete(self) -> None:
        """Deletes the photos, and the dataset that was made of them. Models stay."""
        self._remove_dataset()
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise _unwritable(error) from error

    def _remove_dataset(self) -> None:
        """Removes the dataset that was made of it; refuses to where that is something else of the same name."""
        if self.name not in store.names():
            return
        if store.load(self.name).info.kind != KIND:
            raise CollectionError(f"Somebody has made another dataset {self.name} meanwhile. Remove it first.")
        try:
            store.remove(self.name)
        except OSError as error:
            raise _unwritable(error) from error
        _forget_computed()

    def _change(self, change: Callable[[Record], Record]) -> None:
        """One change at a time, of all processes; photos that no action has any more are deleted."""
        self.record()
        try:
            with locked(self.folder / ".lock"):
                changed = change(self.record())
                _write(self.folder, changed)
                kept = {photo.id for photo in changed.photos}
                for path in (self.folder / "photos").glob("*.jpg"):
                    if path.stem not in kept:
                        path.unlink()
        except OSError as error:
            raise _unwritable(error) from error


def _write(folder: Path, record: Record) -> None:
    write_beside(folder / _RECORD, record.model_dump_json())


def _unwritable(error: OSError) -> CollectionError:
    return CollectionError(f"This cannot be kept: {error.strerror}. Is there room on the disk of `HAR_HOME`?")


def _tidy(text: str, what: str) -> str:
    """A name as it is kept; refuses what is none."""
    tidy = " ".join(unicodedata.normalize("NFKC", text[: 10 * LONGEST_NAME]).split())
    if not any(letter.isalnum() for letter in tidy):
        raise ActionInvalid(f"The name of a{'n' * (what == 'action')} {what} needs a letter or a digit.")
    if len(tidy) > LONGEST_NAME:
        raise ActionInvalid(f"The name of a{'n' * (what == 'action')} {what} has at most {LONGEST_NAME} characters.")
    if not tidy.isprintable():
        raise ActionInvalid("The name has characters that cannot be shown. Type it by hand.")
    return tidy


def _require_new(action: str, others: Sequence[str]) -> None:
    same = next((other for other in others if _words(other) == _words(action)), None)
    if same:
        raise ActionInvalid(f"There is an action “{same}” already. Choose another name.")


def _words(action: str) -> str:
    return " ".join(action.replace("_", " ").casefold().split())


def _slug(title: str) -> str:
    """What folders, datasets and models can be called: a–z, 0–9 and -."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "my-actions"


def _free(name: str, taken: set[str]) -> str:
    """The name, or that with a number where it is taken."""
    if name not in taken:
        return name
    return next(numbered for number in range(2, len(taken) + 3) if (numbered := f"{name}-{number}") not in taken)


def _room(held: int) -> int:
    """How many photos a collection can take that holds so many."""
    everywhere = sum(1 for _ in root().glob("*/photos/*.jpg"))
    return max(0, min(MOST_PHOTOS - held, settings().max_collected_photos - everywhere))


def _require_room(held: int) -> None:
    if not _room(held):
        raise CollectionFull(
            f"{settings().max_collected_photos:,} photos are kept for all models together, and no more can be "
            "(`HAR_MAX_COLLECTED_PHOTOS`). Delete a model's photos first."
        )


def _forget_computed() -> None:
    """Deletes what is cached for datasets that are gone."""
    with suppress(DatasetError):  # Another dataset may be damaged: what is cached only takes room.
        cache.remove_stale({store.load(other).info.images_fingerprint for other in store.names()})
