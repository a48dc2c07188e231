"""A client for the REST API. It needs httpx and pydantic, and nothing else of the project.

from har_client import Client

with Client("http://127.0.0.1:8000", key="…") as client:
    print(client.predict("photo.jpg").label)
"""

from har_client.client import Client
from har_client.errors import (
    Conflict,
    HarApiError,
    NotAllowed,
    NotFound,
    Overloaded,
    PhotoRejected,
    PromotionRefused,
    RateLimited,
    Unreachable,
)
from har_client.records import Failure, FeedbackEntry, Job, JobRow, Model, ModelDetails, Prediction, Score, Training

__all__ = [
    "Client",
    "Conflict",
    "Failure",
    "FeedbackEntry",
    "HarApiError",
    "Job",
    "JobRow",
    "Model",
    "ModelDetails",
    "NotAllowed",
    "NotFound",
    "Overloaded",
    "PhotoRejected",
    "Prediction",
    "PromotionRefused",
    "RateLimited",
    "Score",
    "Training",
    "Unreachable",
]
