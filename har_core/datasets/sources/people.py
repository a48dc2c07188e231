"""Corrections from people (see ``har_core.feedback``)."""

from har_core import feedback
from har_core.datasets.sources.candidates import Candidate, Source
from har_core.errors import SourceUnusable


def read() -> Source:
    """Lists all corrections.

    Raises:
        SourceUnusable: There are none.
    """
    source = Source("feedback", str(feedback.root().resolve()))
    for item in feedback.corrections():
        source.candidates.append(Candidate(feedback.photo_path(item.photo).resolve(), item.label, "feedback"))
    if not source.candidates:
        raise SourceUnusable("There are no corrections yet. Correct an answer on the page Predict first.")
    return source
