"""``python -m training RUN``: trains a run in this process; ``training.supervisor`` starts it."""

import errno
import logging
import os
import shutil
import sys
import threading

from har_core.config import settings
from har_core.errors import HarError, TeamLost
from training import runs, tracking
from training.distributed.cluster import LOST
from training.runs import Outcome, Run

log = logging.getLogger("training")


def main(run: Run) -> int:
    """Trains, and keeps how it ended; gives the exit status."""
    from training.run import train  # noqa: PLC0415 - imports TensorFlow, which can fail in ways to be told

    try:
        train(run)
    except TeamLost as error:
        log.error("%s", error)
        return LOST  # Not the run's end: it can be gone on with.
    except HarError as error:
        return _fail(run, str(error))
    except OSError as error:
        log.exception("a file")
        return _fail(run, _sentence(error))
    except Exception as error:
        log.exception("an error that nobody expected")
        return _fail(run, f"The training broke off: {type(error).__name__}: {error}. See the log.")
    return 0


def _fail(run: Run, message: str) -> int:
    log.error("%s", message)
    run.end(Outcome(state="failed", message=message))
    tracking.close(run, "FAILED")
    return 1


def _sentence(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(settings().home).free / 1e9
        return (
            f"The disk is full ({free:.1f} GB left for {settings().home}). Make room, then resume: what was done so "
            "far is kept."
        )
    return f"A file cannot be used: {error}."


def die_with_supervisor() -> None:
    """Has this process end as soon as the other end of its standard input is gone."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    die_with_supervisor()
    status = main(runs.find(sys.argv[1]))
    sys.stderr.flush()
    # At once: of several workers, TensorFlow would wait for the others, who may be gone.
    os._exit(status)
