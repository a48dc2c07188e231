"""``python -m training.distributed``: a worker that helps the chief; ``training.supervisor`` starts it."""

import logging
import os
import sys

from har_core.errors import HarError, TeamLost
from training.__main__ import die_with_supervisor
from training.distributed.cluster import LOST, LOST_LATER, Cluster, of_environment

log = logging.getLogger("training")


def main(cluster: Cluster) -> int:
    """Helps until it is let go; gives the exit status."""
    from training.distributed.follower import follow  # noqa: PLC0415 - imports TensorFlow
    from training.distributed.team import Team  # noqa: PLC0415

    lost = LOST
    try:
        for _ in follow(Team(cluster)):
            lost = LOST_LATER
    except TeamLost as error:
        log.error("%s", error)
        return lost
    except HarError as error:
        log.error("%s", error)
        return 1
    except Exception:
        log.exception("an error that nobody expected")
        return 1
    return 0


if __name__ == "__main__":
    found = of_environment()
    if found is None:
        sys.exit("TF_CONFIG names no workers.")
    line = f"%(asctime)s worker {found.number}: %(message)s"
    logging.basicConfig(level=logging.INFO, format=line, stream=sys.stderr)
    die_with_supervisor()
    # At once: TensorFlow would wait for the other workers, who go on, or are gone.
    os._exit(main(found))
