"""The models of ours that a recipe starts from. Needs no TensorFlow."""

from har_core import serving
from har_core.bundle import Bundle
from har_core.datasets.store import Dataset
from har_core.errors import RecipeInvalid
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


def require_blind(recipe: Recipe, dataset: Dataset, selection: Selection) -> None:
    """Refuses a start that may have learnt from photos that are now meant for measuring.

    Raises:
        ModelError: There is none of that name, or it is damaged.
        RecipeInvalid: It was trained on the same dataset, when that was split or labelled in another way.
    """
    bundle = model(recipe)
    if bundle is None:
        return
    known = bundle.info.dataset
    if known.get("name") == dataset.name and known.get("fingerprint") != selection.fingerprint:
        raise RecipeInvalid(
            f"The model {recipe.start} was trained on {dataset.name} as it was before: photos that it has learnt from "
            "may be in the test split now. Start from imagenet, or from a model that was trained on others."
        )
