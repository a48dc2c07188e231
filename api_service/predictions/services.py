"""Photos → answers."""

import base64
import io
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from PIL import Image

from api_service.models.services import predictor
from har_core import explain, images, recent
from har_core.errors import ImageError
from har_core.feedback import Answer
from har_core.predictor import Prediction, Predictor


def predict(payload: bytes, top_k: int, with_explanation: bool) -> dict[str, Any]:
    """Answers for one photo.

    Raises:
        ImageError: The bytes are no photo.
        ModelError: The model cannot be used.
    """
    return _predict(predictor(), payload, top_k, with_explanation)


def _predict(model: Predictor, payload: bytes, top_k: int, with_explanation: bool) -> dict[str, Any]:
    with slots(model.threads):
        started = time.perf_counter()
        image = images.decode(payload, min_side=model.input_size)
        prediction = model.predict(image, top_k)
        timing_ms = round((time.perf_counter() - started) * 1e3, 3)
        answer = {"id": str(uuid.uuid4()), **prediction.to_dict(), "timing_ms": timing_ms}
        if with_explanation:
            answer["explanation"] = _explanation(payload, prediction)
    recent.keep(answer["id"], payload, Answer.of(prediction))
    return answer


@lru_cache(maxsize=1)
def slots(count: int) -> threading.BoundedSemaphore:
    """What is held while a photo is decoded and classified: a decoded one can be hundreds of megabytes."""
    return threading.BoundedSemaphore(count)


def predict_many(payloads: Sequence[bytes], top_k: int, with_explanation: bool) -> list[dict[str, Any]]:
    """Answers of one model for several photos, in their order; a bad one spoils only its own row."""
    model = predictor()

    def one(payload: bytes) -> dict[str, Any]:
        try:
            return _predict(model, payload, top_k, with_explanation)
        except ImageError as error:
            return {"error": {"code": error.code, "message": str(error)}}

    with ThreadPoolExecutor(model.threads) as pool:
        return list(pool.map(one, payloads))


def _explanation(payload: bytes, prediction: Prediction) -> dict[str, Any]:
    """Where the model looked: the map's numbers, 0–1, and a picture as a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(explain.picture(payload, prediction.class_map)).save(buffer, "JPEG", quality=85)
    return {
        "label": prediction.label,
        "heat_map": explain.heat_map(prediction.class_map).round(4).tolist(),
        "overlay": f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}",
    }
