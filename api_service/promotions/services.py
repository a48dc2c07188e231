"""Puts models in service, and goes back: the same checks and the same history as the app's and the command line's."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from api_service import config
from api_service.http.errors import PromotionBusy, PromotionUnfinished
from api_service.models import services as models
from har_core import promotion
from har_core.config import settings
from har_core.files import locked
from har_core.progress import Progress
from har_core.serving import Entry
from training import registry

# Of the time that an answer may take; the rest is for the checks that ask about no photos.
_SHARE_FOR_PHOTOS = 0.6


def promote(model: str, who: str, why: str, override: str) -> Entry:
    """Examines a model and puts it in service.

    Args:
        model: ``NAME@VERSION``.
        who: Who asks for it.
        why: What for.
        override: A reason to do it although a check fails.

    Raises:
        UnknownModel: There is no such model.
        PromotionBusy: Another one is being examined.
        PromotionUnfinished: There are more photos to ask about than can be in the time of an answer; what was answered
            is kept, so that the next time goes on from there.
        PromotionRefused: A check failed; or the settings name a version; or it is in service already.
        HistoryBroken: The history cannot be read or written.
    """
    models.find(model)
    with _alone():
        entry = promotion.promote(model, who, why, override, _for_a_while())
    registry.mirror_soon()
    return entry


def roll_back(who: str, why: str) -> Entry:
    """Goes back to the model that was in service before the last promotion; waits for no examination.

    Raises:
        PromotionRefused: There is none to go back to, or it is damaged.
        HistoryBroken: The history cannot be read or written.
    """
    entry = promotion.roll_back(who, why)
    registry.mirror_soon()
    return entry


@contextmanager
def _alone() -> Iterator[None]:
    """One examination at a time, of all workers: each takes all cores."""
    settings().home.mkdir(parents=True, exist_ok=True)
    try:
        with locked(settings().home / "promotion.lock", wait=False):
            yield
    except BlockingIOError:
        raise PromotionBusy("Another model is being examined; ask again when that is done.") from None


def _for_a_while() -> Progress:
    """Follows an examination, and interrupts it when it takes too long."""
    end = monotonic() + _SHARE_FOR_PHOTOS * config.settings().answer_seconds

    def tell(done: int, total: int, what: str) -> None:
        del what
        if monotonic() > end:
            raise PromotionUnfinished(
                f"{done} of {total} photos were answered in the time there is. Nothing has changed; ask again, and it "
                "goes on from there."
            )

    return tell
