"""What people said of answers, as far as it was reviewed and accepted (see ``har_core.feedback``)."""

import hashlib
from collections.abc import Sequence

from har_core import feedback
from har_core.datasets.sources.candidates import Candidate, Source
from har_core.datasets.store import Dataset
from har_core.errors import SourceUnusable
from har_core.feedback import Entry


def read(entries: Sequence[Entry], dataset: Dataset | None = None) -> Source:
    """Lists accepted photos, with the labels that the reviewer found right.

    Args:
        entries: Those that were accepted.
        dataset: The one that they are to be added to. Photos that it has, as they were brought, are left out.

    Raises:
        SourceUnusable: There are none.
    """
    if not entries:
        waiting = len(feedback.entries("new"))
        raise SourceUnusable(
            f"Nothing is accepted yet; {waiting} wait for review on the page Feedback."
            if waiting
            else "There is no feedback yet: say on the page Photos whether an answer is right."
        )
    source = Source("feedback", str(feedback.root().resolve()))
    there = set(dataset.base()["id"]) if dataset else set()
    for entry in entries:
        path = feedback.photo_path(entry.photo).resolve()
        if entry.photo in there:
            source.skip(path, "repeated", "The dataset has this photo already; its label can be put right there.")
        else:
            source.candidates.append(Candidate(path, entry.right_label, "feedback"))
    return source


def settle(entries: Sequence[Entry], dataset: Dataset) -> int:
    """Notes of those whose photos a dataset has now that they were added to it; gives how many these are."""
    there = set(dataset.base()["id"])
    return len(feedback.settle([entry for entry in entries if _digest(entry) in there], dataset.name))


def _digest(entry: Entry) -> str:
    """SHA-256 of the photo as it is kept."""
    try:
        return hashlib.sha256(feedback.photo_path(entry.photo).read_bytes()).hexdigest()
    except OSError:
        return ""
