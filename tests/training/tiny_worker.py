"""``python -m tests.training.tiny_worker FOLDER SECONDS``: a worker that trains ``test_fit``'s network with others.

The chief waits so many seconds before each step, so that somebody can get in between.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from har_core.errors import TeamLost
from tests.conftest import tiny_network
from tests.training.test_fit import Recorder, photos, tuning, weights
from training.distributed import follower
from training.distributed.cluster import LOST, of_environment
from training.distributed.team import Team

DATASET = SimpleNamespace(name="mine", info=SimpleNamespace(images_fingerprint="0"))


class Slow(Recorder):
    def progress(self, progress):
        super().progress(progress)
        time.sleep(float(sys.argv[2]))


def lead(team, folder):
    run = replace(tuning(folder, Slow(), keep="last"), team=team)
    team.begin(DATASET, run.recipe, run.train)
    run.run()
    team.dismiss()
    np.savez(folder / "weights.npz", *weights(run.model))


def follow(team):
    follower.network.build = lambda *_: tiny_network(dropout=0.3)
    follower._photos = lambda *_: photos()
    for _ in follower.follow(team):
        pass


if __name__ == "__main__":
    cluster = of_environment()
    try:
        lead(Team(cluster), Path(sys.argv[1])) if cluster.is_chief else follow(Team(cluster))
    except TeamLost as error:
        print(error, flush=True)
        os._exit(LOST)
    os._exit(0)
