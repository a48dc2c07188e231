"""The models of ours that a recipe starts from. Needs no TensorFlow."""

import pandas as pd

from har_core import serving
from har_core.bundle import Bundle
from har_core.datasets import duplicates
from har_core.datasets.store import Dataset
from har_core.errors import RecipeInvalid
from har_core.evaluation import leaks
from training import recipe as recipes
from training.recipe import Recipe
from training.selection import Selection


def model(recipe: Recipe) -> Bundle | None:
    """The model that the backbone's weights come from; None where that is none of ours.

    Raises:
        ModelError: There is none of that name, or it is damaged.
    """
    return None if recipe.start in ("imagenet", "random") else serving.find(recipe.start)


def pinned(recipe: Recipe) -> Recipe:
    """The recipe with the version named that it starts from: a name alone will mean another one some day.

    Raises:
        ModelError: There is none of that name, or it is damaged.
    """
    bundle = model(recipe)
    if bundle is None:
        return recipe
    return recipe.model_copy(update={"start": f"{bundle.info.name}@{bundle.info.version}"})


def new_head(bundle: Bundle) -> Recipe:
    """The quickest recipe that builds on a model of ours: its network stays, and its head is fitted anew.

    Raises:
        RecipeInvalid: The bundle does not say which network it has.
    """
    known = bundle.info.recipe
    values = {
        "start": f"{bundle.info.name}@{bundle.info.version}",
        "backbone": known.get("backbone", ""),
        "image_size": bundle.info.input_size,
        "both_ways": known.get("both_ways", False),
    }
    return recipes.validate(values)


def require_blind(recipe: Recipe, dataset: Dataset, selection: Selection) -> None:
    """Refuses a start that has learnt from photos that are now meant for measuring, or may have.

    Raises:
        ModelError: There is none of that name, or it is damaged.
        RecipeInvalid: It has seen photos of the test split, or learnt from some of the validation split; or, where it
            carries no list of what it has seen, it was trained on the same dataset, split or labelled in another way.
    """
    bundle = model(recipe)
    reason = _what_it_has_seen(bundle, dataset, selection) if bundle else ""
    if reason:
        raise RecipeInvalid(
            f"The model {recipe.start} {reason}. Start from imagenet, or from a model that was trained on others."
        )


def _what_it_has_seen(bundle: Bundle, dataset: Dataset, selection: Selection) -> str:
    """What speaks against measuring what begins with a model; empty where nothing does."""
    if leaks.are_known(bundle):
        seen = leaks.trained_on(bundle)
        learnt = seen[seen["split"].ne("val").fillna(True)]
        count = _seen_of(selection, "test", seen) + _seen_of(selection, "val", learnt)
        return f"has learnt from {count} photos of {dataset.name} that are now meant for measuring" if count else ""
    known = bundle.info.dataset
    if known.get("name") == dataset.name and known.get("fingerprint") != selection.fingerprint:
        return f"was trained on {dataset.name} as it was before, perhaps on photos that are in the test split now"
    return ""


def _seen_of(selection: Selection, split: str, seen: pd.DataFrame) -> int:
    photos = selection.manifest[selection.manifest["split"] == split]
    return int(duplicates.shown_by(photos, seen).sum())
