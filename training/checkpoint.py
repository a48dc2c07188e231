"""The state of a fine-tuning after an epoch: all that is needed to go on as if it had never been interrupted."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from har_core.files import write_beside
from training.runs import Epoch

Arrays = list[npt.NDArray[Any]]

_LISTS = ("weights", "optimizer", "kept")


@dataclass(frozen=True)
class Checkpoint:
    """State after an epoch.

    Attributes:
        phase: The phase that is under way, counted from 0.
        done: Its epochs that are over.
        stale: Epochs since the validation loss was best.
        weights: All variables of the model.
        optimizer: Those of the optimiser.
        kept: The model's variables after the epoch whose weights are to be kept.
        epochs: The figures so far, the head's first.
    """

    phase: int
    done: int
    stale: int
    weights: Arrays
    optimizer: Arrays
    kept: Arrays
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def best_loss(self) -> float:
        """The lowest validation loss."""
        return min(epoch.val_loss for epoch in self.epochs)

    def next_phase(self) -> "Checkpoint":
        """The state at the beginning of the next phase, which goes on from the kept weights."""
        return replace(self, phase=self.phase + 1, done=0, stale=0, weights=self.kept, optimizer=[])

    def save(self, path: Path) -> None:
        """Writes it beside its place and renames it, so that it is always whole."""
        facts: dict[str, Any] = {"phase": self.phase, "done": self.done, "stale": self.stale}
        facts["epochs"] = [epoch.model_dump() for epoch in self.epochs]
        arrays: dict[str, Any] = {
            f"{name}-{place}": array for name in _LISTS for place, array in enumerate(getattr(self, name))
        }
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        write_beside(path, lambda beside: np.savez(beside, **arrays))


def load(path: Path) -> Checkpoint | None:
    """Reads a checkpoint; None where there is none, or it is damaged."""
    try:
        with np.load(path) as kept:
            facts: dict[str, Any] = json.loads(kept["facts"].tobytes())
            lists: dict[str, Arrays] = {name: [] for name in _LISTS}
            for key in kept.files:
                name, _, place = key.partition("-")
                if place:
                    lists[name].append(kept[key])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    epochs = [Epoch.model_validate(row) for row in facts.pop("epochs")]
    return Checkpoint(**(facts | lists), epochs=epochs)
