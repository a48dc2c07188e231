"""Trainings for the API; the same queue as the app's and the command line's."""

from typing import Any

from har_core.datasets import store
from har_core.errors import TrainingError
from training import queue, runs
from training import recipe as recipes
from training.estimate import estimate
from training.runs import Run


def submit(recipe: str, dataset: str, changes: list[str]) -> Run:
    """Puts a training into the queue, and sees to it that somebody runs it.

    Raises:
        RecipeInvalid: The changes do not fit the recipe.
        DatasetNotFound: There is no such dataset.
        TrainingError: It cannot be trained on, or the queue cannot be reached.
    """
    plan = recipes.load(recipe, changes)
    problems = estimate(plan, store.load(dataset)).problems
    if problems:
        raise TrainingError(problems[0])
    run = queue.submit(plan, dataset)
    queue.ensure_worker()
    return run


def summaries() -> list[dict[str, Any]]:
    """All trainings, newest first."""
    waiting = queue.waiting()
    return [queue.summary(run, waiting) for run in runs.newest_first()]


def summary(run: Run) -> dict[str, Any]:
    """One training."""
    return queue.summary(run, queue.waiting())


def details(run: Run) -> dict[str, Any]:
    """One training with its recipe, progress and curves."""
    progress = run.progress()
    return summary(run) | {
        "recipe": run.recipe.model_dump(mode="json"),
        "progress": progress and progress.model_dump(),
        "epochs": [epoch.model_dump() for epoch in run.epochs()],
    }
