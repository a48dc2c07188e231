"""Models that are to be trained."""

from collections.abc import Sequence
from urllib.parse import quote

from har_client.connection import Connection
from har_client.records import Dataset, Training

_URL = "/api/v1/trainings"


class Trainings:
    """The server's trainings; needs a key with the scope ``train``."""

    def __init__(self, connection: Connection) -> None:
        """Sends by a connection."""
        self._connection = connection

    def start(self, recipe: str, dataset: str, changes: Sequence[str] = ()) -> Training:
        """Puts a training into the queue.

        Args:
            recipe: The name of one that ships, ``quick`` for example.
            dataset: The name of one of ``datasets``.
            changes: Changes to the recipe, ``KEY=VALUE`` each.

        Raises:
            HarApiError: It cannot be trained so.
        """
        body = {"recipe": recipe, "dataset": dataset, "changes": list(changes)}
        return self._connection.one(Training, "POST", _URL, json=body)

    def get(self, training: Training | str) -> Training:
        """How far a training is, or how it ended."""
        return self._connection.one(Training, "GET", _url(training))

    def list(self, limit: int = 100) -> tuple[Training, ...]:
        """The trainings, newest first."""
        return self._connection.all(Training, _URL, limit=limit)

    def stop(self, training: Training | str) -> Training:
        """Stops a training; what it has learnt is kept."""
        return self._connection.one(Training, "DELETE", _url(training))

    def resume(self, training: Training | str) -> Training:
        """Has a training go on that was stopped, was interrupted or failed."""
        return self._connection.one(Training, "POST", f"{_url(training)}/resume")

    def log(self, training: Training | str, limit: int = 100) -> tuple[str, ...]:
        """The last lines that a training printed."""
        return tuple(self._connection.json("GET", f"{_url(training)}/log", params={"limit": limit})["lines"])

    def datasets(self) -> tuple[Dataset, ...]:
        """What can be trained on."""
        return self._connection.all(Dataset, "/api/v1/datasets")


def _url(training: Training | str) -> str:
    return f"{_URL}/{quote(training.run if isinstance(training, Training) else training, '')}"
