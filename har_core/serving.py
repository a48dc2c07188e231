"""Which models there are, what a name means, and which one is in service.

A bundle lies in a folder ``NAME@VERSION`` among those that ship or under ``HAR_HOME/models``. Which one is in service
is said by the last entry of ``HAR_HOME/serving.json``, the history of promotions. That file is written beside its place
and renamed into it, so each change is one atomic flip; how a model earns it is in ``har_core.promotion``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from har_core.bundle import INFO, Bundle
from har_core.config import settings
from har_core.errors import BundleBroken, HistoryBroken, ModelError, ModelNotFound, PromotionRefused
from har_core.files import locked, write_beside

_REFERENCE = re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]*)(@(?P<version>[1-9][0-9]{0,8}))?")


class Check(BaseModel):
    """Something that was examined before a model was put in service.

    Attributes:
        name: Stable: ``files``, ``golden``, ``parity``, ``figures``, ``latency``.
        title: What is asked for, in a few words.
        passed: Whether it holds.
        detail: What was found, in a sentence.
        is_final: Whether no reason can override it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    passed: bool
    detail: str
    is_final: bool


class Entry(BaseModel):
    """A change of the model in service.

    Attributes:
        id: Counts up from 1.
        action: ``rollback`` takes the last promotion back that was not taken back yet.
        model: The one in service from then on, ``NAME@VERSION``.
        digest: That of its bundle, as it was examined.
        before: The one in service until then; empty where there was none.
        who: Who asked for it.
        when: ISO 8601, UTC.
        why: In their words; may be empty.
        override: Their reason for promoting it although a check failed; empty where none did.
        checks: What was examined.
    """

    model_config = ConfigDict(frozen=True)

    id: int
    action: Literal["promote", "rollback"]
    model: str
    digest: str
    before: str
    who: str
    when: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    why: str = ""
    override: str = ""
    checks: list[Check]


_ENTRIES = TypeAdapter(list[Entry])


def folders() -> list[Path]:
    """The folders of all bundles, by name, newest version first. None of them is opened."""
    found = {
        path.name: path
        for root in (settings().shipped_models, settings().home / "models")
        if root.is_dir()
        for path in root.iterdir()
        if _REFERENCE.fullmatch(path.name) and "@" in path.name and (path / INFO).is_file()
    }
    return sorted(found.values(), key=lambda path: (_name(path.name), -_version(path.name)))


def bundles() -> tuple[list[Bundle], list[ModelError]]:
    """All bundles that can be read, and what is wrong with the others."""
    good, errors = [], []
    for folder in folders():
        try:
            good.append(_open(folder))
        except ModelError as error:
            errors.append(error)
    return good, errors


def offered() -> list[str]:
    """The models that people may choose among: the one in service, then others that ship or were put in service.

    They are named without a version, and so mean the same as ``find``; a version that the settings name stays.
    """
    promoted = stack()
    first = _name(promoted[-1]) if promoted and not is_pinned() else settings().model
    shipped = [folder.name for folder in folders() if folder.parent == settings().shipped_models]
    names = dict.fromkeys(_name(reference) for reference in (*shipped, *promoted))
    return [first, *(name for name in names if name != _name(first))]


def next_version(name: str) -> int:
    """The version that the next model of a name gets."""
    return max((_version(folder.name) for folder in folders() if _name(folder.name) == name), default=0) + 1


def find(reference: str | None = None) -> Bundle:
    """Finds a model.

    Args:
        reference: A name, a name with a version (``everyday@3``), or a bundle's folder; the one in service when absent.
            A name alone means the version that was put in service last and not taken back; else the newest that
            ships, else the newest: a model that was trained here does not take over by itself.

    Raises:
        ModelNotFound: There is none like that.
        BundleBroken: Its description is damaged, or, of the one in service, not the one that was put in service.
        HistoryBroken: What is in service cannot be read.
    """
    if reference:
        return _find(reference)
    bundle = _find(in_service())
    if not is_pinned():
        require_as_promoted(bundle)
    return bundle


def in_service() -> str:
    """The model that answers when none is named: ``NAME@VERSION``, or the folder that the settings name.

    It is that of the last promotion or rollback; before any, and where they name a version, that of the settings.

    Raises:
        ModelNotFound: Nothing was promoted, and there is none of the settings' name.
        HistoryBroken: The history cannot be read.
    """
    if is_pinned():
        return settings().model
    entries = _entries()
    if entries:
        return entries[-1].model
    folder = _folder(settings().model, [])
    if folder is None:
        raise _unknown(settings().model)
    return folder.name


def is_pinned() -> bool:
    """Whether the settings name a version (or a folder), so that nothing can be promoted."""
    match = _REFERENCE.fullmatch(settings().model)
    return match is None or match["version"] is not None


def history() -> list[Entry]:
    """All promotions and rollbacks, newest first.

    Raises:
        HistoryBroken: It cannot be read.
    """
    return _entries()[::-1]


def stack() -> list[str]:
    """The models that were put in service one upon the other, the one in service last; empty before any promotion.

    A rollback takes the last one off. The first is the one that was in service before anything was promoted, if any.

    Raises:
        HistoryBroken: The history cannot be read.
    """
    found: list[str] = []
    for entry in _entries():
        if entry.action == "promote":
            found += [entry.model] if found or not entry.before else [entry.before, entry.model]
        else:
            del found[-1:]
    return found


def put(entry: Entry) -> None:
    """Puts a model in service: one atomic change of one file.

    Raises:
        PromotionRefused: Somebody else was faster: the entry's number is taken.
        HistoryBroken: The history cannot be read or written.
    """
    with _changing() as entries:
        if len(entries) + 1 != entry.id:
            raise PromotionRefused(f"Meanwhile {in_service()} was put in service; nothing was changed. Look again.")
        _write([*entries, entry])


def adopt(entries: list[Entry]) -> bool:
    """Makes another host's history that of this one: one atomic change of one file.

    Args:
        entries: Oldest first; the model of the last one is in service from then on.

    Returns:
        Whether it says anything new.

    Raises:
        HistoryBroken: The history cannot be read or written.
    """
    with _changing() as before:
        if entries == before:
            return False
        _write(entries)
    return True


def stamp() -> tuple[int, ...] | None:
    """Changes whenever another model may be in service; None before any promotion. Cheap."""
    try:
        found = _file().stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def require_as_promoted(bundle: Bundle) -> None:
    """Refuses a bundle that is not the one that was examined when it was last put in service.

    Raises:
        BundleBroken: Its description was changed since.
        HistoryBroken: The history cannot be read.
    """
    digest = next((entry.digest for entry in history() if entry.model == bundle.reference), bundle.digest)
    if digest != bundle.digest:
        raise BundleBroken(f"{bundle.folder.name}: {INFO} was changed since the model was put in service.")


def _find(reference: str) -> Bundle:
    match = _REFERENCE.fullmatch(reference)
    folder = _folder(reference, [] if match["version"] else stack()) if match else None
    if folder:
        return _open(folder)
    if not _is_folder(reference):
        raise _unknown(reference)
    return Bundle(Path(reference))


def _folder(reference: str, served: list[str]) -> Path | None:
    """The folder that a name, or a name with a version, means, when these were put in service one upon the other."""
    fitting = [folder for folder in folders() if reference in (folder.name, _name(folder.name))]
    last = {model: place for place, model in enumerate(served, 1)}
    # The folders come newest first, and of equals the first is taken.
    return max(
        fitting,
        key=lambda folder: (last.get(folder.name, 0), folder.parent == settings().shipped_models),
        default=None,
    )


def _unknown(reference: str) -> ModelNotFound:
    known = ", ".join(folder.name for folder in folders()) or "none"
    return ModelNotFound(f"There is no model {reference}. Known models: {known}.")


def _open(folder: Path) -> Bundle:
    bundle = Bundle(folder)
    if folder.name != bundle.reference:
        raise BundleBroken(f"The folder {folder.name} holds the model {bundle.reference}.")
    return bundle


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # A name too long, or with a zero byte, is no folder's.
        return False


def _name(reference: str) -> str:
    return reference.partition("@")[0]


def _version(reference: str) -> int:
    return int(reference.partition("@")[2])


def _file() -> Path:
    return settings().home / "serving.json"


@contextmanager
def _changing() -> Iterator[list[Entry]]:
    """The history, oldest entry first, which nobody else changes meanwhile."""
    try:
        settings().home.mkdir(parents=True, exist_ok=True)
        with locked(settings().home / "serving.lock"):
            yield _entries()
    except OSError as error:
        raise HistoryBroken(f"{_file()} cannot be written: {error.strerror}.") from error


def _write(entries: list[Entry]) -> None:
    write_beside(_file(), _ENTRIES.dump_json(entries, indent=1), durable=True)


def _entries() -> list[Entry]:
    """Oldest first."""
    try:
        return _ENTRIES.validate_json(_file().read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HistoryBroken(f"{_file()} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise HistoryBroken(
            f"{_file()} is damaged. Mend it, or remove it: then the model of the settings, {settings().model}, is in "
            "service."
        ) from error
