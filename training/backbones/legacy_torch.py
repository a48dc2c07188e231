"""Reads the weights in a legacy PyTorch checkpoint (``.pth``) without PyTorch and without running what it holds.

The layout is that of ``torch.save`` before PyTorch 1.6: four pickles (magic number, protocol version, system
information, the state dict), a pickled list of storage keys, then each storage's length and raw values.
"""

import pickle  # nosec B403 # through the allow-list below
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_DTYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _View(NamedTuple):
    """A tensor as the pickle describes it: a strided view of a storage that follows later in the file."""

    key: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage: tuple[str, np.dtype[Any]], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _View:
    key, dtype = storage
    return _View(key, dtype, offset, shape, strides)


class _Unpickler(pickle.Unpickler):  # nosec B301 # only the four names below can be looked up
    _ALLOWED: ClassVar[dict[tuple[str, str], Callable[..., Any] | str]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch", "FloatStorage"): "FloatStorage",
        ("torch", "LongStorage"): "LongStorage",
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a weights file") from None

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        return str(pid[2]), _DTYPES[str(pid[1])]


def _read_storages(file: BinaryIO, dtypes: dict[str, np.dtype[Any]]) -> dict[str, npt.NDArray[Any]]:
    storages = {}
    for key in _Unpickler(file).load():
        (length,) = struct.unpack("<q", file.read(8))
        dtype = dtypes[key]
        storages[key] = np.frombuffer(file.read(length * dtype.itemsize), dtype, length)
    return storages


def load_state_dict(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Reads every tensor of a legacy checkpoint.

    Args:
        path: The ``.pth`` file.

    Returns:
        Name → array (float32 or int64), C-contiguous, in the checkpoint's own axis order.

    Raises:
        pickle.UnpicklingError: The file is no legacy checkpoint, or names anything but tensors.
    """
    with path.open("rb") as file:
        if _Unpickler(file).load() != _MAGIC_NUMBER:
            raise pickle.UnpicklingError(f"{path.name} is not a legacy PyTorch checkpoint")
        for _ in ("protocol version", "system information"):
            _Unpickler(file).load()
        views: dict[str, _View] = _Unpickler(file).load()
        storages = _read_storages(file, {view.key: view.dtype for view in views.values()})
    # Checkpoints saved from channels-last or converted weights are not contiguous: the strides carry the axis order.
    return {
        name: np.ascontiguousarray(
            np.lib.stride_tricks.as_strided(
                storages[view.key][view.offset :],
                view.shape,
                [stride * view.dtype.itemsize for stride in view.strides],
            )
        ).reshape(view.shape)
        for name, view in views.items()
    }
