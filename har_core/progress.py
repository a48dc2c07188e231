"""How long work tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Called again and again by long work."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Takes note.

        Args:
            done: Steps done.
            total: Steps in all.
            what: What is being done, in a few words.
        """


def silent(done: int, total: int, what: str) -> None:
    """Tells nobody."""
    del done, total, what
