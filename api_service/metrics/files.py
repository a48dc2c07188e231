"""Where the workers of a server count: each in files of its own, in a folder that belongs to the server.

``prometheus_client`` looks at the environment when it is first imported, so ``begin`` comes before that.
"""

import logging
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from har_core.config import settings
from har_core.files import is_locked, locked

log = logging.getLogger(__name__)

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_ADDED_UP = ("counter", "histogram")


def begin() -> ExitStack:
    """Makes the folder for this server, and removes those of servers that have ended.

    Returns:
        What says to others that the folder is in use, as long as it, or a worker that inherits it, is there.
    """
    root = settings().home / "metrics"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "lock"):
        for folder in root.iterdir():
            if folder.is_dir() and not is_locked(folder / "lock"):
                shutil.rmtree(folder)
        made = Path(tempfile.mkdtemp(dir=root))
        held = ExitStack()
        held.enter_context(locked(made / "lock"))
    os.environ[_VARIABLE] = str(made)
    return held


def folder() -> Path | None:
    """The folder of this server; None in a process that counts for itself alone."""
    return Path(os.environ[_VARIABLE]) if _VARIABLE in os.environ else None


def workers() -> list[int]:
    """The processes that count now: this one, and those that were started with it."""
    if folder() is None:
        return [os.getpid()]
    parent = os.getppid()
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def end(worker: int) -> None:
    """Takes a worker that has ended off what is in flight, and keeps what it has counted.

    Nothing that goes wrong here may end the server.
    """
    found = folder()
    if found is None:
        return
    try:
        with locked(found / "reading"):
            _end(found, worker)
    except Exception:
        log.exception("what worker %d counted cannot be kept", worker)


def _end(found: Path, worker: int) -> None:
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415 - after begin
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(worker, str(found))
    for kind in _ADDED_UP:
        ended = found / f"{kind}_{worker}.db"
        if not ended.exists():
            continue
        total = MmapedDict(str(found / f"{kind}_0.db"))
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(ended)):
            total.write_value(key, total.read_value(key)[0] + value, 0.0)
        total.close()
        ended.unlink()
