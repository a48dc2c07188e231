"""Unpacks a zip that may come from anyone."""

import errno
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from har_core import zips
from har_core.config import settings
from har_core.datasets.sources.candidates import Skipped
from har_core.errors import SourceUnusable
from har_core.images import SUFFIXES
from har_core.progress import Progress, silent

_MAX_ENTRIES = 2_000_000
_MAX_TABLE_BYTES = 200_000_000
# Too long a name; a file in the place of a folder, or the other way round.
_NO_PLACE = {errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}


def unpack(archive: Path, folder: Path, progress: Progress = silent) -> list[Skipped]:
    """Unpacks the photos and CSV files of a zip.

    Entries that would land outside the folder, links, and entries that are larger than the settings allow a photo to
    be are left out by name. Entries that are there already in full are passed over, so that it can be taken up again.

    Args:
        archive: The zip file.
        folder: Where to.
        progress: Told after each entry.

    Returns:
        What was left out.

    Raises:
        SourceUnusable: It is no zip file, or has more entries than any dataset; or there is no room for it.
    """
    skipped = []
    try:
        with zipfile.ZipFile(archive) as file:
            entries = [entry for entry in file.infolist() if not entry.is_dir()]
            if len(entries) > _MAX_ENTRIES:
                raise SourceUnusable(f"{archive.name} has {len(entries)} entries; at most {_MAX_ENTRIES} are accepted.")
            for done, entry in enumerate(entries, 1):
                problem = _objection(entry) or _extract(file, entry, folder)
                if problem:
                    skipped.append(problem)
                progress(done, len(entries), "unpacking")
    except zips.BROKEN as error:
        raise SourceUnusable(f"{archive.name} is no zip file that can be unpacked: {error}.") from error
    except OSError as error:
        raise SourceUnusable(f"{archive.name} cannot be unpacked: {error.strerror or error}.") from error
    return skipped


def content_root(folder: Path) -> Path:
    """The folder in which an unpacked zip's content begins: zips often wrap it in one folder of the set's name."""
    while True:
        children = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        if len(children) != 1 or not children[0].is_dir() or not any(path.is_dir() for path in children[0].iterdir()):
            return folder
        folder = children[0]


def _objection(entry: zipfile.ZipInfo) -> Skipped | None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    is_table = path.suffix.lower() == ".csv"
    if zips.leads_out(entry.filename):
        return Skipped(entry.filename, "unsafe_path", "The name would lead out of the dataset's folder.")
    if not zips.is_plain(entry):
        return Skipped(entry.filename, "link", "Links are not unpacked.")
    if not is_table and path.suffix.lower() not in SUFFIXES:
        return Skipped(entry.filename, "not_an_image", "The file's ending is not that of an image.")
    if entry.file_size > (_MAX_TABLE_BYTES if is_table else settings().max_image_bytes):
        return Skipped(entry.filename, "image_too_large", "The unpacked file would be larger than is accepted.")
    return None


def _extract(file: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> Skipped | None:
    target = folder / entry.filename.replace("\\", "/")
    try:
        if target.is_file() and target.stat().st_size == entry.file_size:
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.part")
        with file.open(entry) as inner, beside.open("wb") as outer:
            # The header's size is checked against what really comes out by zipfile itself.
            shutil.copyfileobj(inner, outer)
        beside.replace(target)
    except OSError as error:
        if error.errno in _NO_PLACE:
            return Skipped(entry.filename, "unsafe_path", "No file can be called so here, or another one is.")
        raise
    return None
