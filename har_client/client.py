"""The client."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Self
from urllib.parse import quote

from har_client.connection import Connection
from har_client.errors import HarApiError
from har_client.jobs import Jobs
from har_client.photos import Photo, groups, payload
from har_client.records import Change, Failure, FeedbackEntry, Labels, Model, ModelDetails, Prediction
from har_client.trainings import Trainings


class Client:
    """Asks an API. Threads may share it; ``with`` closes it.

    Attributes:
        jobs: Very many photos, answered while nobody waits.
        trainings: Models that are to be trained.
    """

    def __init__(self, base_url: str, key: str | None = None, timeout: float = 60.0, retries: int = 4) -> None:
        """Connects when something is first asked.

        Args:
            base_url: The API's address, ``http://127.0.0.1:8000`` for example.
            key: Where the API needs one.
            timeout: Seconds for which the server may say nothing.
            retries: How often a request is repeated at most, where that does no harm: after 429 and 503, when the
                server says; and, where sending it twice makes no difference, when there was no answer.
        """
        self._connection = Connection(base_url, key, timeout, retries)
        self.jobs = Jobs(self._connection)
        self.trainings = Trainings(self._connection)

    def __enter__(self) -> Self:
        """The client."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Closes the connections to the server."""
        self._connection.close()

    def predict(self, photo: Photo, top_k: int = 3, explain: bool = False) -> Prediction:
        """Says what is being done in a photo.

        Args:
            photo: A path, a file's content, or an open file.
            top_k: How many labels are told.
            explain: Whether to tell where the model looked.

        Raises:
            PhotoRejected: It is no photo that can be read.
            HarApiError: There is no answer.
            OSError: The file cannot be read.
        """
        row = self._predict([("image", payload(photo))], top_k, explain)
        return Prediction.model_validate(row)

    def predict_many(
        self, photos: Iterable[Photo], top_k: int = 3, explain: bool = False
    ) -> Iterator[Prediction | Failure]:
        """Says what is being done in photos, one by one, in their order; a bad one spoils only its own answer.

        They are read and sent in small groups, as the answers are asked for. Very many are better sent as a job.

        Raises:
            HarApiError: There is no answer for a whole group.
            OSError: A file cannot be read.
        """
        for group in groups(photos):
            body = self._predict([("images", content) for content in group], top_k, explain)
            for row in body["results"]:
                yield Failure.model_validate(row["error"]) if "error" in row else Prediction.model_validate(row)

    def labels(self) -> Labels:
        """The labels that the model in service can give."""
        return self._connection.one(Labels, "GET", "/api/v1/labels")

    def models(self) -> tuple[Model, ...]:
        """All models, newest version first."""
        return self._connection.all(Model, "/api/v1/models")

    def model(self, reference: str) -> ModelDetails:
        """One model, ``NAME@VERSION``, in full.

        Raises:
            NotFound: There is none like that.
        """
        return self._connection.one(ModelDetails, "GET", f"/api/v1/models/{quote(reference, '')}")

    def feedback(self, about: Prediction | Photo, label: str | None = None) -> FeedbackEntry:
        """Says that an answer is right, or what would be.

        Args:
            about: An answer of the last minutes, or a photo.
            label: What is being done, where the answer is wrong.

        Raises:
            NotFound: The answer is not kept any more; send the photo.
            HarApiError: It is not taken.
        """
        said = {"verdict": "right"} if label is None else {"verdict": "wrong", "label": label}
        if isinstance(about, Prediction):
            options: dict[str, Any] = {"json": said | {"prediction_id": about.id}}
        else:
            options = {"data": said, "files": {"image": payload(about)}}
        # A later word on the same photo replaces an earlier one: saying it twice makes no difference.
        return self._connection.one(FeedbackEntry, "POST", "/api/v1/feedback", is_repeatable=True, **options)

    def take_back(self, entry: FeedbackEntry) -> None:
        """Has the server forget what was said of a photo, and the photo.

        Raises:
            NotFound: It is gone, or somebody else said it.
        """
        self._connection.send("DELETE", f"/api/v1/feedback/{entry.photo}")

    def promotions(self, limit: int = 100) -> tuple[Change, ...]:
        """Which models were in service, newest first."""
        return self._connection.all(Change, "/api/v1/promotions", limit=limit)

    def promote(self, model: str, why: str = "", override: str = "", timeout: float = 600.0) -> Change:
        """Has a model examined and put in service; needs a key with the scope ``admin``.

        Args:
            model: ``NAME@VERSION``.
            why: What for.
            override: A reason to do it although a check fails.
            timeout: Seconds for the examination, which asks about many photos.

        Raises:
            PromotionRefused: A check failed; ``checks`` says which.
            HarApiError: It is not done, or not done in time.
        """
        end = time.monotonic() + timeout
        body = {"model": model, "why": why, "override": override}
        while True:
            try:
                return self._connection.one(Change, "POST", "/api/v1/promotions", json=body)
            except HarApiError as error:
                # The server examines for a while at a time, and goes on when it is asked again.
                if error.code != "promotion_unfinished" or time.monotonic() > end:
                    raise

    def roll_back(self, why: str = "") -> Change:
        """Goes back to the model before the last promotion; needs a key with the scope ``admin``.

        Raises:
            PromotionRefused: There is none to go back to.
        """
        return self._connection.one(Change, "POST", "/api/v1/rollbacks", json={"why": why})

    def is_healthy(self) -> bool:
        """Whether the server is up."""
        return self._is_ok("/healthz")

    def is_ready(self) -> bool:
        """Whether the server can answer for photos."""
        return self._is_ok("/readyz")

    def _is_ok(self, url: str) -> bool:
        try:
            self._connection.send("GET", url, is_repeatable=False)
        except HarApiError:
            return False
        return True

    def _predict(self, files: list[tuple[str, bytes]], top_k: int, explain: bool) -> Any:
        params = {"top_k": top_k, "explain": explain}
        return self._connection.json("POST", "/api/v1/predictions", params=params, files=files, is_repeatable=True)
