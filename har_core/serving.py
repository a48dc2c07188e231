"""Which models there are, and which one a name means.

A bundle lies in a folder ``NAME@VERSION`` among those that ship or under ``HAR_HOME/models``.
"""

import re
from pathlib import Path

from har_core.bundle import INFO, Bundle
from har_core.config import settings
from har_core.errors import BundleBroken, ModelError, ModelNotFound

_REFERENCE = re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]*)(@(?P<version>[1-9][0-9]{0,8}))?")


def folders() -> list[Path]:
    """The folders of all bundles, by name, newest version first. None of them is opened."""
    found = {
        path.name: path
        for root in (settings().shipped_models, settings().home / "models")
        if root.is_dir()
        for path in root.iterdir()
        if _REFERENCE.fullmatch(path.name) and "@" in path.name and (path / INFO).is_file()
    }
    return sorted(found.values(), key=lambda path: (_name(path), -_version(path)))


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
    """The models that people may choose among: that of the settings, then the names of the others that ship."""
    chosen = settings().model
    shipped = dict.fromkeys(_name(folder) for folder in folders() if folder.parent == settings().shipped_models)
    return [chosen, *(name for name in shipped if name != chosen.partition("@")[0])]


def next_version(name: str) -> int:
    """The version that the next model of a name gets."""
    return max((_version(folder) for folder in folders() if _name(folder) == name), default=0) + 1


def find(reference: str | None = None) -> Bundle:
    """Finds a model.

    Args:
        reference: A name, a name with a version (``everyday@3``), or a bundle's folder; the settings' model when
            absent. A name alone means its newest version that ships, or the newest of all where none does: a model
            that was trained here does not take over by itself.

    Raises:
        ModelNotFound: There is none like that.
        BundleBroken: Its description is damaged.
    """
    reference = reference or settings().model
    match = _REFERENCE.fullmatch(reference)
    if match:
        of_that_name = [folder for folder in folders() if _name(folder) == match["name"]]
        # Sorting is stable, so the newest stays first among those that ship.
        for folder in sorted(of_that_name, key=lambda folder: folder.parent != settings().shipped_models):
            if match["version"] in (None, str(_version(folder))):
                return _open(folder)
    if not _is_folder(reference):
        known = ", ".join(folder.name for folder in folders()) or "none"
        raise ModelNotFound(f"There is no model {reference}. Known models: {known}.")
    return Bundle(Path(reference))


def _open(folder: Path) -> Bundle:
    bundle = Bundle(folder)
    if folder.name != f"{bundle.info.name}@{bundle.info.version}":
        raise BundleBroken(f"The folder {folder.name} holds the model {bundle.info.name}@{bundle.info.version}.")
    return bundle


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # A name too long, or with a zero byte, is no folder's.
        return False


def _name(folder: Path) -> str:
    return folder.name.partition("@")[0]


def _version(folder: Path) -> int:
    return int(folder.name.partition("@")[2])
