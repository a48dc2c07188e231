"""What a client says of an answer → an entry that waits for review."""

from api_service.models.services import predictor
from api_service.predictions.services import slots
from har_core import feedback, images, recent
from har_core.errors import FeedbackOff
from har_core.feedback import Answer, Entry


def require_on() -> None:
    """Refuses where nothing is to be kept.

    Raises:
        FeedbackOff: That is so.
    """
    if not feedback.is_on():
        raise FeedbackOff("Feedback is switched off here, and nothing is kept.")


def on_answer(prediction_id: str, label: str | None) -> Entry:
    """Keeps what is said of an answer of the last minutes.

    Args:
        prediction_id: The answer's id.
        label: The right label; None: that of the answer.

    Raises:
        PredictionNotFound: It is not kept, or not any more.
        FeedbackError: It cannot be kept.
    """
    payload, answer = recent.find(prediction_id)
    model = predictor()
    with slots(model.threads):
        return feedback.record(payload, _meant(label, model.labels), answer, "api", prediction_id)


def on_photo(payload: bytes, label: str | None) -> Entry:
    """Keeps what is said of a photo; the model in service is asked about it.

    Args:
        payload: The photo's file content.
        label: The right label; None: that of the model.

    Raises:
        ImageError: The bytes are no photo.
        FeedbackError: It cannot be kept.
    """
    model = predictor()
    with slots(model.threads):
        answer = Answer.of(model.predict(images.decode(payload, min_side=model.input_size)))
        return feedback.record(payload, _meant(label, model.labels), answer, "api")


def _meant(label: str | None, known: list[str]) -> str | None:
    return None if label is None else feedback.as_label(label, known)
