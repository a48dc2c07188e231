"""Trainings for the API; the same queue as the app's and the command line's."""

from typing import Any

from har_core.datasets import store
from har_core.datasets.manifest import included
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError, TrainingError
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


def resume(run: Run) -> None:
    """Puts a training that is over, but not done, into the queue again; it goes on where it stopped.

    Raises:
        TrainingError: It is running or done, or the queue cannot be reached.
    """
    queue.resume(run)
    queue.ensure_worker()


def summaries(limit: int) -> list[dict[str, Any]]:
    """The newest trainings, newest first."""
    waiting = queue.waiting()
    return [queue.summary(run, waiting) for run in runs.newest_first()[:limit]]


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


def datasets() -> list[dict[str, Any]]:
    """What can be trained on."""
    found = []
    for name in store.names():
        try:
            found.append(_dataset(store.load(name)))
        except DatasetError:  # Damaged, or removed meanwhile: the others can be trained on all the same.
            continue
    return found


def _dataset(dataset: Dataset) -> dict[str, Any]:
    photos = included(dataset.manifest())
    return {
        "name": dataset.name,
        "created": dataset.info.created,
        "images": len(photos),
        "unlabelled": int(photos["label"].isna().sum()),
        "splits": photos["split"].value_counts().to_dict(),
        "labels": photos["label"].value_counts().to_dict(),
    }
