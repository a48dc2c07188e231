"""Very many photos, answered while nobody waits."""

import os
import time
import uuid
from collections.abc import Iterable, Iterator

from har_client.connection import Connection
from har_client.photos import archive
from har_client.records import Job, JobRow

_URL = "/api/v1/jobs"
_FIRST_LOOK, _LONGEST_PAUSE = 0.5, 10.0


class Jobs:
    """The jobs of a key."""

    def __init__(self, connection: Connection) -> None:
        """Sends by a connection."""
        self._connection = connection

    def submit(
        self,
        photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        top_k: int = 3,
        idempotency_key: str | None = None,
    ) -> Job:
        """Sends photos; the answers are fetched later.

        Args:
            photos: The path of a zip, of a folder, or of each photo. Files that do not end as photos do are passed
                over.
            top_k: How many labels are told of each.
            idempotency_key: Names the job: sent again under the same name, it is not done twice. Made up when absent,
                so that a request that was cut off can be repeated.

        Raises:
            HarApiError: They are not taken.
            OSError: A file cannot be read.
        """
        headers = {"Content-Type": "application/zip", "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        with archive(photos) as file:
            return self._connection.one(
                Job, "POST", _URL, params={"top_k": top_k}, content=file, headers=headers, is_repeatable=True
            )

    def get(self, job: Job | str) -> Job:
        """How far a job is.

        Raises:
            NotFound: The key has no such job.
        """
        return self._connection.one(Job, "GET", _url(job))

    def list(self, limit: int = 100) -> tuple[Job, ...]:
        """The key's jobs, newest first."""
        return self._connection.all(Job, _URL, limit=limit)

    def wait(self, job: Job | str, timeout: float | None = None) -> Job:
        """Waits until a job is over, however it ends; ``state`` says how.

        Args:
            job: The job, or its id.
            timeout: Seconds; None: as long as it takes.

        Raises:
            TimeoutError: It is not over by then; it goes on.
            NotFound: The key has no such job.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK
        while not (found := self.get(job)).is_over:
            if end is not None and time.monotonic() + pause > end:
                raise TimeoutError(f"The job {found.id} has done {found.images.done} of {found.images.total} photos.")
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE)
        return found

    def results(self, job: Job | str, partial: bool = False) -> Iterator[JobRow]:
        """A row for each photo, in the order sent, as they arrive.

        Args:
            job: The job, or its id.
            partial: Take the rows that there are of a job that is not done.

        Raises:
            Conflict: It is not done.
            HarApiError: They cannot be had, or not any more.
        """
        params = {"format": "jsonl", "partial": partial}
        return map(JobRow.model_validate_json, self._connection.lines(f"{_url(job)}/results", params=params))

    def cancel(self, job: Job | str) -> None:
        """Has a job end where it is; one that is over is removed with its results.

        Raises:
            NotFound: The key has no such job.
        """
        self._connection.send("DELETE", _url(job), is_repeatable=False)


def _url(job: Job | str) -> str:
    return f"{_URL}/{job.id if isinstance(job, Job) else uuid.UUID(job)}"
