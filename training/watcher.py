"""Who is told how a training goes."""

from training.runs import Epoch, Progress, Step


class Watcher:
    """Is told how a training goes; does nothing with it."""

    def activity(self, done: int, total: int, what: str) -> None:
        """Takes note of how far something other than fine-tuning is; a ``har_core.progress.Progress``."""

    def progress(self, progress: Progress) -> None:
        """Takes note of how far it is, after every step."""

    def step(self, step: Step) -> None:
        """Takes note of the figures of some steps, about once a second."""

    def epoch(self, epochs: list[Epoch]) -> None:
        """Takes note of the figures of all epochs so far."""
