"""What a client says of an answer → an entry that waits for review; its review; its end."""

from rest_framework.request import Request

from api_service.keys.permissions import is_admin, key_in
from api_service.models.services import predictor
from api_service.predictions.services import slots
from har_core import feedback, images, recent
from har_core.errors import FeedbackNotFound, FeedbackOff
from har_core.feedback import Answer, Entry, Status


def require_on() -> None:
    """Refuses where nothing is to be kept.

    Raises:
        FeedbackOff: That is so.
    """
    if not feedback.is_on():
        raise FeedbackOff("Feedback is switched off here, and nothing is kept.")


def on_answer(prediction_id: str, label: str | None, source: str) -> Entry:
    """Keeps what is said of an answer of the last minutes.

    Args:
        prediction_id: The answer's id.
        label: The right label; None: that of the answer.
        source: Who says it.

    Raises:
        PredictionNotFound: It is not kept, or not any more.
        FeedbackError: It cannot be kept.
    """
    payload, answer = recent.find(prediction_id)
    model = predictor()
    with slots(model.threads):
        return feedback.record(payload, _meant(label, model.labels), answer, source, prediction_id)


def on_photo(payload: bytes, label: str | None, source: str) -> Entry:
    """Keeps what is said of a photo; the model in service is asked about it.

    Args:
        payload: The photo's file content.
        label: The right label; None: that of the model.
        source: Who says it.

    Raises:
        ImageError: The bytes are no photo.
        FeedbackError: It cannot be kept.
    """
    model = predictor()
    with slots(model.threads):
        answer = Answer.of(model.predict(images.decode(payload, min_side=model.input_size)))
        return feedback.record(payload, _meant(label, model.labels), answer, source)


def source(request: Request) -> str:
    """What an entry says of where it comes from."""
    key = key_in(request)
    return f"api/{key.prefix}" if key else "api"


def entries(status: Status) -> list[Entry]:
    """The entries of a status; of those that wait, those first of which the model was least sure."""
    return feedback.queue() if status == "new" else feedback.entries(status)


def find(photo: str, request: Request) -> Entry:
    """An entry, for who said it and for reviewers; to others it is as if it were not there.

    Raises:
        FeedbackNotFound: There is none for them.
    """
    entry = feedback.find(photo)
    if entry is None or not (is_admin(request) or entry.source == source(request)):
        raise FeedbackNotFound("Nothing is kept of this photo, or not any more.")
    return entry


def _meant(label: str | None, known: list[str]) -> str | None:
    return None if label is None else feedback.as_label(label, known)
