"""How long a model takes for a photo on this machine."""

import hashlib
import platform
import statistics
import time
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from har_core import bundle as bundles
from har_core.bundle import Bundle
from har_core.config import settings
from har_core.files import write_beside
from har_core.predictor import Predictor

_WARM_UP = 5
_TIMED = 40
_PHOTO_SIDE = 640  # What a decoder hands over where a photo is larger, or about that.


class _Kept(BaseModel):
    machine: str
    milliseconds: float


def measure(bundle: Bundle) -> float:
    """Asks a model about a photo again and again, on one core.

    Args:
        bundle: The model.

    Returns:
        Milliseconds from decoded photo to answer, median; kept for ``known``.

    Raises:
        BundleBroken: The network cannot be loaded.
    """
    predictor = Predictor(bundle, threads=1)
    (photo,) = bundles.golden_images(_PHOTO_SIDE, count=1, seed=0)
    seconds = []
    for _ in range(_WARM_UP + _TIMED):
        started = time.perf_counter()
        predictor.predict(photo)
        seconds.append(time.perf_counter() - started)
    found = _Kept(machine=_machine(), milliseconds=round(1000 * statistics.median(seconds[_WARM_UP:]), 2))
    with suppress(OSError):  # Then it is measured again.
        write_beside(_file(bundle), found.model_dump_json())
    return found.milliseconds


def known(bundle: Bundle) -> float | None:
    """What was measured last on this machine, in milliseconds; None where nothing was."""
    try:
        kept = _Kept.model_validate_json(_file(bundle).read_bytes())
    except (OSError, ValidationError):
        return None
    return kept.milliseconds if kept.machine == _machine() else None


def _file(bundle: Bundle) -> Path:
    return settings().home / "cache" / "latency" / f"{bundle.digest}.json"


def _machine() -> str:
    """Tells machines apart without naming them."""
    return hashlib.sha256(f"{platform.node()} {platform.machine()}".encode()).hexdigest()
