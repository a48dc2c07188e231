"""``python -m tests.training.tiny_search NAME``: runs a search whose trials do as well as their seed is large."""

import json
import sys
import time

from ray import cloudpickle

from tests.training.test_runs import epoch
from training.runs import Outcome
from training.search import record, tuning
from training.search.tuning import TrialProcess


class Pretended(TrialProcess):
    """A trial without a network."""

    def train_to_end(self, run):
        with run.claimed():
            if run.recipe.seed == 8:
                raise OSError("no space left for eight")
            with (run.folder / "begun").open("a") as file:
                file.write("x")
            for number in range(len(run.epochs()), run.recipe.epochs + 1):
                if not self.goes_on(run, number):
                    run.end(Outcome(state="cancelled"))
                    return
                if run.recipe.seed == 9 and number:
                    run.end(Outcome(state="failed", message="nine is too many"))
                    return
                score = (run.recipe.seed + number / 10) / 10
                run.keep_epochs([*run.epochs(), epoch(number, val_macro_f1=score)])
            run.end(Outcome(state="done"))

    def goes_on(self, run, number):
        """Whether nobody stops it before an epoch; a poor trial's third one takes long enough to be stopped in."""
        deadline = time.monotonic() + (600 if run.recipe.seed < 2 and number == 3 else 0.3)
        while time.monotonic() < deadline and not run.is_cancelled():
            time.sleep(0.1)
        return not run.is_cancelled()


if __name__ == "__main__":
    cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    found = record.find(sys.argv[1])
    with found.claimed():
        print(json.dumps(tuning.run(found, concurrent=1, process=Pretended)))
