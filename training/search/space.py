"""What a search varies, and the recipes that it tries. Needs neither Ray nor TensorFlow."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import qmc

from har_core.errors import RecipeInvalid, SearchInvalid
from training import recipe as recipes

_RANGE = re.compile(r"(log:)?\s*([-+0-9.eE]+?)\s*\.\.\s*([-+0-9.eE]+)")
# A trial is judged by what its epochs say of the validation photos, in which these do not show.
_UNSEEN = (
    "name",
    "both_ways",
    "serving_size",
    "precision",
    "sure_precision",
    "outliers",
    "regularization.logit_adjustment",
)


@dataclass(frozen=True)
class Varied:
    """A key of the recipe, with the values that it may take.

    Attributes:
        key: With dots between the keys of parts.
        values: To choose from, in TOML's notation; empty where it is a range.
        low: The range's lower end.
        high: Its upper end.
        is_log: Orders of magnitude count the same in it.
        is_whole: Only whole numbers are meant.
    """

    key: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    is_whole: bool = False

    def at(self, place: float) -> str:
        """The change of the recipe, ``KEY=VALUE``, at a place between 0 and 1."""
        return f"{self.key}={self._value(place)}"

    def _value(self, place: float) -> str:
        if self.values:
            return self.values[min(int(place * len(self.values)), len(self.values) - 1)]
        if self.is_whole and not self.is_log:
            return str(int(self.low) + min(int(place * (self.high - self.low + 1)), int(self.high - self.low)))
        if self.is_log:
            value = math.exp(math.log(self.low) + place * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + place * (self.high - self.low)
        # As many digits as a command line is to repeat.
        return str(round(value)) if self.is_whole else f"{min(max(float(f'{value:.4g}'), self.low), self.high):g}"


def read(text: str, reference: str, changes: Sequence[str] = ()) -> Varied:
    """Reads what is to be varied.

    Args:
        text: ``KEY=A..B``, ``KEY=log:A..B`` or ``KEY=A,B,…``.
        reference: The recipe.
        changes: How it is changed in all trials.

    Raises:
        SearchInvalid: It is none of these, or nothing that the recipe could be.
    """
    key, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not key or not values:
        raise SearchInvalid(f"“{text[:100]}” is not of the form KEY=A..B, KEY=log:A..B or KEY=A,B,C.")
    if key in _UNSEEN:
        raise SearchInvalid(
            f"{key} cannot be searched for: it changes nothing before the model is packaged, and trials are judged "
            "before that. Compare it by cross-validation, or with har evaluate."
        )
    if key == "min_photos":
        raise SearchInvalid(
            "min_photos cannot be searched for: it says which labels are learnt, so each trial would be judged by "
            "other validation photos. Set it for all trials with --set."
        )
    found = _range(key, values) if ".." in values else _choice(key, values)
    if found.values:
        tried = [f"{key}={value}" for value in found.values]
    else:
        found = _of_kind(found, reference, changes)
        tried = [found.at(0), found.at(1)]
    for change in tried:
        try:
            recipes.load(reference, [*changes, change])
        except RecipeInvalid as error:
            raise SearchInvalid(f"{text[:100]}: {error}") from error
    return found


def plan(varied: Sequence[Varied], trials: int, seed: int) -> list[tuple[str, ...]]:
    """Spreads trials over what is varied: each key's values come up equally often.

    Args:
        varied: The keys.
        trials: How many trials; fewer come out where there are fewer choices.
        seed: The same seed gives the same trials.

    Returns:
        For each trial, its changes of the recipe, as ``KEY=VALUE``.
    """
    # McKay et al. 1979, Technometrics 21(2): better spread than chance, and no grid that grows with every key.
    places = qmc.LatinHypercube(len(varied), rng=seed).random(trials)
    return list(dict.fromkeys(tuple(key.at(place) for key, place in zip(varied, row, strict=True)) for row in places))


def _range(key: str, text: str) -> Varied:
    found = _RANGE.fullmatch(text)
    try:
        if not found:
            raise ValueError
        low, high = float(found[2]), float(found[3])
    except ValueError:
        raise SearchInvalid(f"{key}={text[:100]} is no range: give it as 0.1..0.5, or log:1e-5..1e-2.") from None
    if not low < high < math.inf:
        raise SearchInvalid(f"{key}={text[:100]}: a range goes from a smaller number to a larger one.")
    if found[1] and low <= 0:
        raise SearchInvalid(f"{key}={text[:100]}: a logarithmic range begins above 0.")
    return Varied(key, low=low, high=high, is_log=bool(found[1]))


def _choice(key: str, text: str) -> Varied:
    values = tuple(dict.fromkeys(value.strip() for value in text.split(",") if value.strip()))
    if len(values) < 2:
        raise SearchInvalid(f"{key}={text[:100]} is one value: set it for all trials with --set.")
    return Varied(key, values)


def _of_kind(found: Varied, reference: str, changes: Sequence[str]) -> Varied:
    """The range, as one of whole numbers where the recipe takes no others."""
    if not (found.low.is_integer() and found.high.is_integer()):
        return found
    try:
        recipes.load(reference, [*changes, f"{found.key}={(found.low + found.high) / 2 + 0.25}"])
    except RecipeInvalid:
        return Varied(found.key, low=found.low, high=found.high, is_log=found.is_log, is_whole=True)
    return found
