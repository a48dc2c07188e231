"""How much memory a process may still take, of this machine and of the control groups that it is in."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")

# What is said of memory by version 2 and version 1 of control groups: limit, usage, and how the cache of files, which
# the system takes back when it is needed, is called among the statistics.
_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available(proc: Path = _PROC, groups: Path = _GROUPS) -> int | None:
    """Bytes that can be taken before something is killed for it; None where the system does not say.

    Args:
        proc: Where the system tells of processes.
        groups: Where it tells of control groups, as containers have them.
    """
    return min([*_of_machine(proc), *_of_groups(proc, groups)], default=None)


def _of_machine(proc: Path) -> Iterator[int]:
    with suppress(OSError, ValueError):
        yield _field(proc / "meminfo", "MemAvailable:") * 1024


def _of_groups(proc: Path, groups: Path) -> Iterator[int]:
    """What is left in each group that this process is in, up to the one that holds all others."""
    try:
        lines = (proc / "self" / "cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = groups / "memory" if controllers else groups
        inner = root / path.lstrip("/")
        # In a container its own group often is the root, whatever the path says.
        for folder in {inner, *inner.parents} if inner.is_dir() else {root}:
            if folder.is_relative_to(root):
                yield from _of_group(folder)


def _of_group(folder: Path) -> Iterator[int]:
    for limit, usage, cache in _FILES:
        # “max” is no number: there is no limit.
        with suppress(OSError, ValueError):
            left = int((folder / limit).read_text("utf-8")) - int((folder / usage).read_text("utf-8"))
            yield max(0, left + _field(folder / "memory.stat", cache))


def _field(file: Path, name: str) -> int:
    for line in file.read_text("utf-8").splitlines():
        key, value, *_ = line.split()
        if key == name:
            return int(value)
    raise ValueError(name)
