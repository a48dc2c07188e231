"""Which workers train together, and where they are. Needs no TensorFlow."""

import json
import os
import re
import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from har_core.errors import TrainingError

VARIABLE = "TF_CONFIG"
# What a worker's process ends with when it has lost the others. Nothing is wrong with the run: it can be gone on with.
LOST = 75
# The same, after an epoch at least: the times before count no more.
LOST_LATER = 76

_ADDRESS = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}|\[[0-9A-Fa-f:]+\]:[0-9]{1,5}")
_MOST_HERE = 64
_GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Cluster:
    """The workers of one training, as seen by one of them.

    Attributes:
        addresses: ``HOST:PORT`` of each, the chief's first.
        number: This worker's.
        is_here: All of them are processes of this machine, and started by one command.
    """

    addresses: tuple[str, ...]
    number: int = 0
    is_here: bool = False

    @property
    def is_chief(self) -> bool:
        """Whether this worker is the one that the run belongs to."""
        return self.number == 0

    def helpers_here(self) -> list["Cluster"]:
        """The same workers, as seen by each of those that the chief's machine has to start beside it."""
        return [replace(self, number=number) for number in range(1, len(self.addresses)) if self.is_here]

    def renewed(self) -> "Cluster":
        """The same workers for another try; on this machine, at ports that are free now."""
        return here(len(self.addresses)) if self.is_here else self

    def environment(self) -> dict[str, str]:
        """The environment by which TensorFlow learns of it; of this machine's GPUs, each worker sees one."""
        task = {"type": "worker", "index": self.number}
        facts = {VARIABLE: json.dumps({"cluster": {"worker": self.addresses}, "task": task})}
        return facts | ({_GPUS: gpus[self.number]} if self.is_here and (gpus := _gpus()) else {})


def here(count: int) -> Cluster:
    """Workers that are all on this machine, and reach each other by its loopback.

    Raises:
        TrainingError: It is not a number from 2 to 64, or there are GPUs, but fewer.
    """
    if not 2 <= count <= _MOST_HERE:
        raise TrainingError(f"{count} workers cannot train on one machine: give a number from 2 to {_MOST_HERE}.")
    if 0 < len(_gpus()) < count:
        raise TrainingError(
            f"{count} workers need a GPU each, and there are {len(_gpus())}: start fewer, or set {_GPUS} to nothing, "
            "to train on the cores."
        )
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return Cluster(tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets), is_here=True)


def _gpus() -> list[str]:
    """Those that this process may use, by the names that CUDA has for them."""
    named = os.environ.get(_GPUS)
    if named is None:
        return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]
    return [name.strip() for name in named.split(",") if name.strip() and name.strip() != "-1"]


def read(text: str, number: int = 0) -> Cluster:
    """Reads ``--workers`` and ``--worker``.

    Args:
        text: How many workers on this machine, or ``HOST:PORT`` of each, separated by commas.
        number: Which of them this one is.

    Raises:
        TrainingError: It is neither.
    """
    if text.isdecimal() and number == 0:
        return here(int(text[:9]))
    addresses = tuple(part.strip() for part in text.split(","))
    bad = [address for address in addresses if not _ADDRESS.fullmatch(address)]
    if bad or len(set(addresses)) < 2 or len(set(addresses)) < len(addresses):
        raise TrainingError(
            f"“{text[:200]}” names no workers: give their number, such as 2, to have them all on this machine, or "
            "HOST:PORT of each, such as gpu1:2222,gpu2:2222, the same on every host."
        )
    if not 0 <= number < len(addresses):
        raise TrainingError(f"There is no worker {number} among {len(addresses)}: they are counted from 0.")
    return Cluster(addresses, number)


def of_environment() -> Cluster | None:
    """The workers that ``TF_CONFIG`` names, TensorFlow's own variable; None where it names no two.

    Raises:
        TrainingError: It cannot be read, or has tasks other than workers.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        facts = json.loads(text)
        jobs, task = facts["cluster"], facts["task"]
        if set(jobs) != {"worker"} or task["type"] != "worker":
            raise TrainingError(f"{VARIABLE} has tasks other than “worker”: name every host as a worker, and no other.")
        addresses = tuple(map(str, jobs["worker"]))
        return read(",".join(addresses), int(task["index"])) if len(addresses) > 1 else None
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{VARIABLE} is not as TensorFlow wants it: {error}.") from error
