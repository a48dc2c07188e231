"""Bundles from elsewhere and for elsewhere: as zip files, or file by file from another host.

A zip holds one folder ``NAME@VERSION`` with a bundle's files and nothing else. One that comes in may be from anyone:
``unpack_zip`` says what is asked of it.
"""

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from har_core import bundle as bundles
from har_core import golden, serving, zips
from har_core.bundle import INFO, Bundle
from har_core.config import settings
from har_core.errors import ImportRefused, ModelError
from har_core.evaluation import leaks
from har_core.files import write_beside

_MB = 1_000_000
FILES = {
    INFO: 5 * _MB,
    bundles.TFLITE: 1000 * _MB,
    bundles.KERAS: 2000 * _MB,
    bundles.GOLDEN: 20 * _MB,
    bundles.CARD: 5 * _MB,
    bundles.CALIBRATION: 5 * _MB,
    bundles.TRAINED_ON: 500 * _MB,
}
"""File → the most bytes that it may have."""

_KERAS_FILES = {"metadata.json": _MB, "config.json": 50 * _MB, "model.weights.h5": 2000 * _MB}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}@[1-9][0-9]{0,8}")
_SCRIPT = re.compile(rb"<\s*(script|foreignobject|iframe|!entity)|\bon[a-z]+\s*=|javascript:", re.IGNORECASE)
# What a terminal would obey.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

# Module → classes that a network of ours, of keras.applications or of KerasHub is made of. Others in Keras run code,
# load pickles or read files: Lambda, TorchModuleWrapper, TFSMLayer, StringLookup, plain functions.
_CLASSES = {
    r"keras": r"DTypePolicy|Sequential|Functional",
    r"keras\.(initializers|regularizers|constraints)": r"[A-Z]\w*",
    r"keras\.layers": (
        r"Activation|Add|Average|AveragePooling2D|BatchNormalization|Concatenate|Conv2D|Cropping2D|Dense|DepthwiseConv2D"
        r"|Dropout|Flatten|GaussianNoise|Global(Average|Max)Pooling2D|GroupNormalization|Identity|InputLayer"
        r"|LayerNormalization|LeakyReLU|Maximum|MaxPooling2D|MultiHeadAttention|Multiply|Normalization|Permute|PReLU|ReLU"
        r"|Rescaling|Reshape|SeparableConv2D|Softmax|SpatialDropout2D|Subtract|UpSampling2D|ZeroPadding2D"
    ),
    r"keras\.src\.models\.(functional|sequential)": r"Functional|Sequential",
    r"keras\.src\.applications\.\w+": r"LayerScale|CustomScaleLayer",
    r"keras\.src\.ops\.numpy": r"Add|Multiply|Subtract|Mean",
    r"keras_hub\.src\.(models|layers)(\.\w+)+": r"(?!\w*(Tokenizer|Preprocessor|Converter))[A-Z]\w*",
}


class _Unsound(Exception):
    """What is wrong with a zip, in words."""


def pack(bundle: Bundle, path: Path) -> None:
    """Writes a bundle as a zip file.

    Args:
        bundle: The model; its files are verified.
        path: Where to; what is there is replaced.

    Raises:
        BundleBroken: A file was changed since the bundle was written.
        OSError: The zip cannot be written.
    """

    def write(beside: Path) -> None:
        # Stored as they are: weights hardly get smaller.
        with zipfile.ZipFile(beside, "w") as file:
            file.writestr(f"{bundle.reference}/{INFO}", (bundle.folder / INFO).read_bytes())
            for name in bundle.info.sha256:
                file.writestr(f"{bundle.reference}/{name}", bundle.read(name))

    write_beside(path, write)


def unpack_zip(path: Path) -> Bundle:
    """Takes in a bundle from a zip file, which may be from anyone.

    Nothing of it is seen by others until all of this holds: it has one folder ``NAME@VERSION``, with a bundle's files
    and nothing else, none of them a link or larger than such a file can be; the description is of this format and of
    that name; every file has its SHA-256; the Keras file holds layers and weights, and neither code nor pickles; the
    network gives the golden answers, which is tried in a process of its own.

    Args:
        path: The zip file.

    Returns:
        The bundle under ``HAR_HOME/models``: under its own version where that is free, else under the next one.

    Raises:
        ImportRefused: Something of that does not hold, or the model is here already, or the disk is full.
    """
    with _beside_models() as scratch:
        bundle = Bundle(_extract(path, scratch))
        _examine(bundle)
        _require_new(bundle)
        return _take_in(bundle, scratch.parent)


def take_over(reference: str, digest: str, fetch: Callable[[Path], object]) -> Bundle:
    """Takes in a bundle that another host has told of, as it is there: under the same name, version and digest.

    It is examined as one from a zip is.

    Args:
        reference: ``NAME@VERSION``.
        digest: That of the bundle there.
        fetch: Puts the bundle's files into the folder that it is given.

    Returns:
        The bundle under ``HAR_HOME/models``.

    Raises:
        ImportRefused: It is not that bundle, or is unsound, or its place is taken by another one, or the disk is full.
    """
    with _beside_models() as scratch:
        place = scratch.parent / reference
        if not _FOLDER.fullmatch(reference):
            raise _Unsound(f"{reference[:100]!a} is no NAME@VERSION.")
        if place.exists():
            raise _Unsound(f"Another model is here as {reference}. Remove its folder, {place}, first.")
        folder = scratch / reference
        folder.mkdir()
        fetch(folder)
        bundle = Bundle(folder)
        if bundle.digest != digest:
            raise _Unsound(f"{INFO} has the SHA-256 {bundle.digest[:16]}…, and {digest[:16]!a}… was promised.")
        _examine(bundle)
        folder.rename(place)
        return Bundle(place)


@contextmanager
def _beside_models() -> Iterator[Path]:
    """A folder for a model on its way in, which nobody takes for a model; what is wrong with it is said in words."""
    models = settings().home / "models"
    try:
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=models) as scratch:
            yield Path(scratch)
    except (_Unsound, ModelError) as error:
        raise ImportRefused(str(error)) from error
    except OSError as error:
        raise ImportRefused(f"It cannot be read, or not be kept: {error.strerror or error}.") from error


def _extract(path: Path, scratch: Path) -> Path:
    """Unpacks into a folder ``NAME@VERSION`` below another one."""
    try:
        with zipfile.ZipFile(path) as file:
            entries = [entry for entry in file.infolist() if not entry.is_dir()]
            names = {entry.filename.partition("/")[0] for entry in file.infolist()}
            if len(names) != 1 or not _FOLDER.fullmatch(name := names.pop()):
                raise _Unsound("It does not hold one folder NAME@VERSION, and nothing beside it.")
            (scratch / name).mkdir()
            _require(entries, {f"{name}/{member}": limit for member, limit in FILES.items()})
            for entry in entries:
                with file.open(entry) as inner, (scratch / entry.filename).open("xb") as outer:
                    shutil.copyfileobj(inner, outer)
            return scratch / name
    except zips.BROKEN as error:
        raise _Unsound(f"It is no zip file that can be unpacked: {error}.") from error


def _require(entries: list[zipfile.ZipInfo], allowed: dict[str, int]) -> None:
    """Refuses entries with another name, entries that come twice, links, and what unpacks to more than is allowed."""
    seen = set[str]()
    for entry in entries:
        name = ascii(entry.filename[:100])
        if entry.filename not in allowed or entry.filename in seen:
            raise _Unsound(f"It holds {name}, which has no place there.")
        if not zips.is_plain(entry):
            raise _Unsound(f"{name} is a link or something else that is no file.")
        if not zips.is_read(entry):
            raise _Unsound(f"{name} is compressed in a way that is not used here.")
        # zipfile never unpacks more than the header says.
        if entry.file_size > allowed[entry.filename]:
            raise _Unsound(f"{name} would be {entry.file_size / _MB:.0f} MB, more than such a file can be.")
        seen.add(entry.filename)


def _examine(bundle: Bundle) -> None:
    if bundle.folder.name != bundle.reference:
        raise _Unsound(f"Its folder {bundle.folder.name} holds the model {bundle.reference}.")
    if set(bundle.info.sha256) != {path.name for path in bundle.folder.iterdir()} - {INFO}:
        raise _Unsound("Its description names other files than it holds.")
    bundle.verify_files()
    _require_readable(bundle)
    _require_no_code(bundle.folder / bundles.KERAS)
    golden.verify_apart(bundle)


def _require_new(bundle: Bundle) -> None:
    same = [other for other in serving.bundles()[0] if other.info.sha256 == bundle.info.sha256]
    if same:
        raise _Unsound(f"The same model is here already: {same[0].reference}.")


def _require_readable(bundle: Bundle) -> None:
    """Card and description are plain text, the plot is a picture without scripts, the list of what it has seen one."""
    try:
        texts = [bundle.read(bundles.CARD).decode("utf-8"), *_texts(bundle.info.model_dump())]
    except UnicodeDecodeError as error:
        raise _Unsound(f"{bundles.CARD} is no text.") from error
    if any(_CONTROL.search(text) for text in texts):
        raise _Unsound(f"{bundles.CARD} or {INFO} holds characters that no text needs.")
    if bundles.CALIBRATION in bundle.info.sha256 and _SCRIPT.search(bundle.read(bundles.CALIBRATION)):
        raise _Unsound(f"{bundles.CALIBRATION} holds more than a picture.")
    if leaks.are_known(bundle):
        leaks.trained_on(bundle)


def _texts(value: object) -> Iterator[str]:
    """All strings in what was JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts(item)


def _require_no_code(path: Path) -> None:
    """A ``.keras`` file: known layers in ``config.json``, weights in HDF5, and nothing else, such as a pickle."""
    try:
        with zipfile.ZipFile(path) as file:
            _require(file.infolist(), _KERAS_FILES)
            json.loads(file.read("config.json"), object_hook=_require_known_class)
            with file.open("model.weights.h5") as weights:
                if weights.read(len(_HDF5)) != _HDF5:
                    raise _Unsound("its weights are not in HDF5")
    except _Unsound as error:
        raise _Unsound(f"{bundles.KERAS} may hold code: {str(error).rstrip('.')}.") from error
    # A missing entry is a KeyError; JSON that goes too deep is a RecursionError, which is a RuntimeError.
    except (*zips.BROKEN, KeyError) as error:
        raise _Unsound(f"{bundles.KERAS} is no file of Keras.") from error


def _require_known_class(item: dict[str, Any]) -> None:
    """Called with each object in a ``config.json``, the innermost first."""
    if "class_name" not in item:
        return
    module, name, registered = item.get("module"), item["class_name"], item.get("registered_name")
    if (module, name) == (None, "__keras_tensor__"):
        return
    is_known = (
        isinstance(module, str)
        and isinstance(name, str)
        and registered in (None, name, f"keras_hub>{name}")
        and any(re.fullmatch(key, module) and re.fullmatch(names, name) for key, names in _CLASSES.items())
    )
    if not is_known:
        raise _Unsound(f"it uses {ascii(name)[:100]} of {ascii(module)[:100]}")


def _take_in(bundle: Bundle, models: Path) -> Bundle:
    """Gives it a version and renames it into place."""
    info, is_taken = bundle.info, bundle.reference in {folder.name for folder in serving.folders()}
    version = serving.next_version(info.name) if is_taken else info.version
    while True:
        destination = models / f"{info.name}@{version}"
        if version != info.version:
            renumbered = info.model_copy(update={"version": version})
            (bundle.folder / INFO).write_text(renumbered.model_dump_json(indent=2) + "\n", "utf-8")
        try:
            bundle.folder.chmod(0o755)
            bundle.folder.rename(destination)
        except OSError:
            if not destination.exists():
                raise
            version += 1  # Somebody else has just taken it.
        else:
            return Bundle(destination)
