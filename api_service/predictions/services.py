"""Photos → answers."""

import base64
import io
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

from PIL import Image

from api_service.http import ids, logs
from api_service.metrics import meters
from api_service.models.services import predictor
from har_core import explain, images, recent
from har_core.errors import ImageError
from har_core.feedback import Answer
from har_core.predictor import Prediction, Predictor


class Timing(NamedTuple):
    """What a photo took, in seconds.

    Attributes:
        wait: Until it was its turn.
        decode: From bytes to pixels.
        model: From pixels to the answer.
    """

    wait: float
    decode: float
    model: float


def predict(payload: bytes, top_k: int, with_explanation: bool) -> tuple[dict[str, Any], Timing]:
    """Answers for one photo.

    Raises:
        ImageError: The bytes are no photo.
        ModelError: The model cannot be used.
    """
    return _predict(_model(), payload, top_k, with_explanation)


def _model() -> Predictor:
    model = predictor()
    logs.note(model=model.bundle.reference)
    return model


def _predict(model: Predictor, payload: bytes, top_k: int, with_explanation: bool) -> tuple[dict[str, Any], Timing]:
    came = time.perf_counter()
    with slots(model.threads):
        started = time.perf_counter()
        image = images.decode(payload, min_side=model.input_size)
        decoded = time.perf_counter()
        prediction = model.predict(image, top_k)
        ended = time.perf_counter()
        answer = {"id": str(uuid.uuid4()), **prediction.to_dict(), "timing_ms": round((ended - started) * 1e3, 3)}
        if with_explanation:
            answer["explanation"] = _explanation(payload, prediction)
    timing = Timing(started - came, decoded - started, ended - decoded)
    meters.predicted(prediction.label, prediction.decision, prediction.confidence, timing._asdict())
    recent.keep(answer["id"], payload, Answer.of(prediction))
    return answer, timing


@lru_cache(maxsize=1)
def slots(count: int) -> threading.BoundedSemaphore:
    """What is held while a photo is decoded and classified: a decoded one can be hundreds of megabytes."""
    return threading.BoundedSemaphore(count)


def predict_many(
    payloads: Sequence[bytes], top_k: int, with_explanation: bool
) -> tuple[list[dict[str, Any]], list[Timing]]:
    """Answers of one model for several photos, in their order; a bad one spoils only its own row."""
    model = _model()

    def one(payload: bytes) -> tuple[dict[str, Any], Timing]:
        try:
            return _predict(model, payload, top_k, with_explanation)
        except ImageError as error:
            return {"error": {"code": error.code, "message": str(error)}}, Timing(0, 0, 0)

    with ThreadPoolExecutor(model.threads, initializer=ids.current.set, initargs=(ids.current.get(),)) as pool:
        answers, timings = zip(*pool.map(one, payloads), strict=True)
    return list(answers), list(timings)


def _explanation(payload: bytes, prediction: Prediction) -> dict[str, Any]:
    """Where the model looked: the map's numbers, 0–1, and a picture as a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(explain.picture(payload, prediction.class_map)).save(buffer, "JPEG", quality=85)
    return {
        "label": prediction.label,
        "heat_map": explain.heat_map(prediction.class_map).round(4).tolist(),
        "overlay": f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}",
    }
