"""Ray Tune runs a search: some trials at a time, on this machine or on a Ray cluster, and stops poor ones early.

What a trial finds lies in its run, and Tune's own files are not needed to go on: Tune is asked for the trials that are
not over, and its scheduler told again what the others found, which by itself it would forget.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler

from har_core.batch.cluster import connected
from har_core.config import settings
from har_core.errors import TrainingError
from training import supervisor, tracking
from training.runs import Epoch, Run
from training.search.record import Search, find

_POLL = 0.2
_REDUCTION = 3
_STOP_SECONDS = 30


def run(
    search: Search,
    concurrent: int,
    watch: Callable[[int, str], object] = lambda _done, _what: None,
    process: type["TrialProcess"] | None = None,
) -> dict[int, str]:
    """Runs the trials that are not over; an interrupt from the keyboard ends it, and it can be gone on with.

    Args:
        search: Claimed by the caller.
        concurrent: How many trials at a time, at most.
        watch: Told how many trials are over, and what goes on.
        process: What runs a trial, where it is not ``TrialProcess``.

    Returns:
        Why trials broke off, by their numbers; their runs need not know of it.

    Raises:
        ClusterUnusable: Ray cannot be started, or its cluster cannot be reached.
    """
    recipe = search.record.trials[0].recipe
    facts = {"recipe": search.record.reference, "dataset": search.record.dataset, "metric": search.record.metric}
    tracked_as = tracking.begin_search(
        search.name, {**facts, "trials": len(search.record.trials), "seed": recipe.seed}, search.record.tracked_as
    )
    search.keep_tracked_as(tracked_as)
    try:
        with connected():
            _keep_quiet()
            return _fit(search, concurrent, watch, process or TrialProcess)
    finally:
        _settle(search)
        best = next((result for result in search.results() if result.kept), None)
        figures = {f"best_val_{search.record.metric}": search.score(best.kept)} if best and best.kept else {}
        tracking.end_search(tracked_as, figures, "KILLED" if search.to_do() else "FINISHED")


def _keep_quiet() -> None:
    """Has Tune print nothing. What went wrong in a trial, its run tells."""
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    logging.getLogger("ray").setLevel(logging.CRITICAL)


def _fit(
    search: Search, concurrent: int, watch: Callable[[int, str], object], process: type["TrialProcess"]
) -> dict[int, str]:
    storage = search.folder / "tune"
    numbers = search.to_do()
    shutil.rmtree(storage, ignore_errors=True)
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    # No host has more than this one, as far as is known here.
    cores = max(1, min(int(resources.get("CPU", 1)) // concurrent, len(os.sched_getaffinity(0))))
    a_trial = {"cpu": float(cores)}
    if resources.get("GPU"):
        a_trial["gpu"] = min(1.0, resources["GPU"] / concurrent)
    # Nothing secret: Tune writes it down. The rest a trial has from the environment that Ray was started in.
    environment = {
        "HAR_HOME": str(settings().home.absolute()),
        "TF_NUM_INTRAOP_THREADS": str(cores),
        "TF_NUM_INTEROP_THREADS": str(cores),
        # Where trials share a GPU, the first would take all of its memory.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    results = tune.Tuner(
        tune.with_resources(process, a_trial),
        param_space={
            "number": tune.grid_search(numbers),
            "search": search.name,
            "environment": environment,
        },
        tune_config=tune.TuneConfig(scheduler=_scheduler(search), max_concurrent_trials=concurrent, reuse_actors=False),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(storage),
            callbacks=[_Notes(search, watch)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    ).fit()
    shutil.rmtree(storage, ignore_errors=True)
    # Fewer have begun where it was interrupted. An error's text is the other process's traceback.
    errors = {number: results[at].error for at, number in enumerate(numbers[: len(results)])}
    return {number: str(error).strip().rpartition("\n")[2] for number, error in errors.items() if error}


def _scheduler(search: Search) -> ASHAScheduler:
    """Asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934).

    After a third of the epochs a trial goes on only if it is among the best third of those that came as far before.
    Earlier it would be unfair: a high rate first spoils the fitted head, and then often ends best.
    """
    epochs = max(1, *(planned.recipe.epochs for planned in search.record.trials))
    scheduler = ASHAScheduler(
        time_attr="epoch",
        metric=search.record.metric,
        mode="min" if search.is_least_best else "max",
        max_t=epochs,
        grace_period=-(-epochs // _REDUCTION),
        reduction_factor=_REDUCTION,
        stop_last_trials=False,
    )
    for number in range(len(search.record.trials)):
        past = search.run_of(number)
        if past and search.is_over(number):
            # It looks at nothing else of a trial, and not at the controller.
            controller, trial = cast(Any, None), cast(Any, SimpleNamespace(trial_id=past.id))
            scheduler.on_trial_add(controller, trial)
            for epoch in past.epochs():
                scheduler.on_trial_result(controller, trial, _figures(search, epoch))
    return scheduler


def _settle(search: Search) -> None:
    """Closes the runs of trials whose processes could not do so themselves."""
    for number in range(len(search.record.trials)):
        run = search.run_of(number)
        if run and run.state() == "interrupted":
            tracking.close(run, "KILLED")
            if search.is_over(number):
                run.cancel()


def _figures(search: Search, epoch: Epoch) -> dict[str, Any]:
    """What Tune is told of an epoch."""
    return {"epoch": epoch.epoch, search.record.metric: search.score(epoch)}


class _Notes(tune.Callback):
    """Takes note of trials that are over."""

    def __init__(self, search: Search, watch: Callable[[int, str], object]) -> None:
        self._search, self._watch = search, watch
        self._trials = len(search.record.trials)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune keeps it with what is needed to go on, which nobody asks Tune for.

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any) -> None:
        del iteration, trials, info
        what = f"trial {trial.config['number'] + 1}, epoch {result['epoch']}"
        self._watch(self._trials - len(self._search.to_do()), what)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Is called where a trial has ended by itself, or was stopped by the scheduler; not by an interrupt."""
        del iteration, trials, info
        self._search.conclude(trial.config["number"])


class TrialProcess(tune.Trainable):
    """A trial's process: has its run trained in another one, and tells Tune of each epoch."""

    def setup(self, config: dict[str, Any]) -> None:
        """Begins, or goes on."""
        os.environ.update(config["environment"])
        settings.cache_clear()
        self._search = find(config["search"])
        self._run: Run = self._search.begun(config["number"])
        self._told = 0
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._supervised, daemon=True)
        self._thread.start()

    def step(self) -> dict[str, Any]:
        """Waits for the next epoch."""
        while True:
            # In this order: what a run says in the end is there when it ends.
            is_over = not self._thread.is_alive()
            epochs = self._run.epochs()
            if is_over:
                self._require_success()
            due = epochs[self._told :]
            # Of the last one Tune learns when all is over: it could not stop anything any more.
            if due and (is_over or due[0].epoch < self._run.recipe.epochs):
                self._told += 1
                return _figures(self._search, due[0]) | {"done": is_over and len(due) == 1}
            if is_over and not epochs:
                raise TrainingError(f"{self._run.id} ended before its first figure.")
            if is_over:  # It has ended early, by its recipe, and all was told before.
                return _figures(self._search, epochs[-1]) | {"done": True}
            time.sleep(_POLL)

    def cleanup(self) -> None:
        """Ends the training where it goes on."""
        if self._thread.is_alive():
            self._run.cancel()
            self._thread.join(_STOP_SECONDS)

    def _require_success(self) -> None:
        outcome = self._run.outcome()
        if self._error:
            raise self._error
        if outcome is None or outcome.state == "failed":
            raise TrainingError(outcome.message if outcome else f"{self._run.id} broke off.")

    def train_to_end(self, run: Run) -> None:
        """Trains a run, in a process that ends with this one.

        Raises:
            HarError: It cannot be run.
        """
        supervisor.supervise(run)

    def _supervised(self) -> None:
        try:
            if self._run.state() != "done":
                self.train_to_end(self._run)
        except Exception as error:  # Whatever it is: Tune is told of it by the other thread.
            self._error = error
