"""``python -m training.worker``: runs the trainings that wait, one at a time, until it is told to end.

``--while-busy``: ends when another worker of this machine is alive, or after a minute without work.
"""

import logging
import signal
import sys

from har_core.errors import HarError
from training import queue

_IDLE_SECONDS = 60.0


def main(arguments: list[str]) -> int:
    """Works; gives the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    is_temporary = "--while-busy" in arguments
    try:
        queue.work(idle_seconds=_IDLE_SECONDS if is_temporary else None, wait=not is_temporary)
    except HarError as error:
        print(f"The worker ends: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
