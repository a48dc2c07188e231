"""Files that nobody ever sees half of, and locks among the processes of one machine."""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TRIES, _PAUSE = 10, 0.005


def write_beside(
    path: Path, content: str | bytes | Callable[[Path], object], mode: int = 0o644, durable: bool = False
) -> None:
    """Writes a file beside its place, then renames it into it.

    Args:
        path: The file's place; its folder is made where it is missing.
        content: Text, bytes, or what writes the content to the path that it is given.
        mode: Who may read and write it.
        durable: Waits for the disk: also a machine that goes down a moment later finds the whole of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        if callable(content):
            content(beside)
        else:
            beside.write_bytes(content.encode() if isinstance(content, str) else content)
        beside.chmod(mode)
        if durable:
            with beside.open("rb") as file:
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[int]:
    """Holds a lock that one process, or one thread of it, can hold at a time.

    The lock ends with the last process that has the file open, so a process that inherits it prolongs it, and no
    crash leaves it behind.

    Args:
        path: The lock's file; made where it is missing.
        wait: Wait while another holds it.

    Yields:
        The file's descriptor, to be inherited.

    Raises:
        BlockingIOError: Another holds it, and ``wait`` is False.
    """
    with path.open("w") as file:
        if wait:
            fcntl.flock(file, fcntl.LOCK_EX)
        else:
            _lock_at_once(file.fileno())
        yield file.fileno()


def _lock_at_once(descriptor: int) -> None:
    """Tries for a moment: who only looks whether it is locked holds it for one, too."""
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(_PAUSE)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_locked(path: Path) -> bool:
    """Whether some process holds that lock."""
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False
