"""Does the jobs that wait, one after the other, in a process of its own.

A job is claimed by one conditional change of its record, and belongs to its worker as long as that prolongs its lease.
A worker that dies leaves the rows that it has written; the next one goes on after them.
"""

import logging
import socket
import time
import uuid
from collections.abc import Generator
from contextlib import closing
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, close_old_connections
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from api_service.jobs import services
from api_service.jobs.errors import JobCrashed, JobFilesUnusable, ModelGone
from api_service.jobs.models import Job, State, homes_here, root
from api_service.jobs.uploads import archive_in
from har_core import serving
from har_core.batch.archive import Archive
from har_core.batch.scoring import Row, Tally, keep, score
from har_core.bundle import Bundle
from har_core.errors import HarError, ModelError
from har_core.files import locked
from har_core.predictor import Predictor

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=15)
_MOST_ATTEMPTS = 3
_POLL = 0.5
_SECONDS_BETWEEN_SWEEPS = 60.0
_SECONDS_WITHOUT_DATABASE = 5.0


class _NotOurs(Exception):
    """The job was cancelled, or another worker has it."""


def work(idle_seconds: float | None = None, wait: bool = True) -> None:
    """Does what waits until it is interrupted.

    Args:
        idle_seconds: Ends after so long without work; None: never.
        wait: Wait while another worker of this machine is alive, and then take over; otherwise end at once.
    """
    root().mkdir(parents=True, exist_ok=True)
    try:
        with locked(services.worker_lock(), wait):
            _work(idle_seconds)
    except BlockingIOError:
        return


def _work(idle_seconds: float | None) -> None:
    name = f"{socket.gethostname()[:60]} {uuid.uuid4()}"
    busy_at = time.monotonic()
    swept_at = busy_at - _SECONDS_BETWEEN_SWEEPS
    while idle_seconds is None or time.monotonic() - busy_at < idle_seconds:
        try:
            close_old_connections()
            if time.monotonic() - swept_at >= _SECONDS_BETWEEN_SWEEPS:
                services.sweep()
                swept_at = time.monotonic()
            job = claim(name)
            if job is not None:
                run(job)
                busy_at = time.monotonic()
                continue
        except DatabaseError as error:
            # What was begun is taken up again when its lease is over.
            log.warning("the database cannot be used, and is tried again: %s", error)
            time.sleep(_SECONDS_WITHOUT_DATABASE)
        time.sleep(_POLL)


def claim(worker: str) -> Job | None:
    """Takes the first job that waits, or whose worker has died, and whose files lie here; None where there is none.

    Args:
        worker: The worker's name; no two have the same.
    """
    now = timezone.now()
    is_free = Q(home__in=homes_here()) & (Q(state=State.QUEUED) | Q(state=State.RUNNING, lease__lt=now))
    for job in Job.objects.filter(is_free).order_by("created", "id"):
        taken = Job.objects.filter(is_free, pk=job.pk).update(
            state=State.RUNNING,
            worker=worker,
            lease=now + _LEASE,
            started=Coalesce("started", now),
            attempts=F("attempts") + 1,
        )
        if taken:
            job.refresh_from_db()
            return job
    return None


def run(job: Job) -> None:
    """Does a claimed job to its end, whatever that is.

    Raises:
        DatabaseError: The database cannot be used; the job goes on when its lease is over.
    """
    try:
        # Also a worker that has slept through the end of its lease writes no row once another one does.
        with locked(job.folder / "lock", wait=False):
            tally = _score(job)
        _end(job, State.DONE, done=tally.done, failed=tally.failed)
    except (_NotOurs, BlockingIOError):
        return
    except HarError as error:
        _fail(job, error)
    except OSError as error:
        _fail(job, JobFilesUnusable(f"The job's files cannot be read or written: {error.strerror}."))
    except DatabaseError:
        raise
    except Exception:
        log.exception("job %s failed", job.id)
        _end(job, State.FAILED, error_code="internal_error", error_message="Something went wrong; it has been logged.")
    except BaseException:  # The process is told to end.
        _update(job, state=State.QUEUED, worker="", lease=None, attempts=0)
        raise


def _score(job: Job) -> Tally:
    if job.attempts > _MOST_ATTEMPTS:
        raise JobCrashed(f"The work broke down {_MOST_ATTEMPTS} times after {job.done} photos, and was given up.")
    path, every = archive_in(job.folder)
    if not path.exists():
        return _ended(job)
    predictor = Predictor(_bundle(job))
    started, before = time.monotonic(), job.done

    def report(tally: Tally) -> None:
        rate = (tally.done - before) / (time.monotonic() - started)
        lease = timezone.now() + _LEASE
        if not _update(job, done=tally.done, failed=tally.failed, rate=rate, lease=lease, attempts=0):
            raise _NotOurs

    with closing(Archive(path, every)) as archive:
        return score(archive.items(), predictor, job.output, job.top_k, report)


def _ended(job: Job) -> Tally:
    """The rows of a job that had ended when its record was brought back from a backup, in which it had not."""
    tally = keep(job.output, _no_more)
    if tally.done != job.total:
        raise JobFilesUnusable(f"The job's photos are gone after {tally.done} of {job.total}.")
    return tally


def _no_more(done: int) -> Generator[Row]:
    del done
    yield from ()


def _bundle(job: Job) -> Bundle:
    """The model in service when the job is begun, and the same one ever after."""
    if not job.model:
        bundle = serving.find()
        if not _update(job, model=bundle.reference, model_digest=bundle.digest):
            raise _NotOurs
        return bundle
    for reference in (None, job.model):
        try:
            bundle = serving.find(reference)
        except ModelError:
            continue
        if bundle.digest == job.model_digest:
            return bundle
    raise ModelGone(f"The job was begun with {job.model}, which is not here any more.")


def _fail(job: Job, error: HarError) -> None:
    _end(job, State.FAILED, error_code=error.code, error_message=str(error))


def _end(job: Job, state: State, **values: Any) -> None:
    now = timezone.now()
    ended = {"state": state, "finished": now, "expires": now + services.lifetime(), "worker": "", "lease": None}
    if _update(job, **ended, **values):
        services.remove_photos(job)


def _update(job: Job, **values: Any) -> bool:
    """Changes the record as long as the job is this worker's."""
    return bool(Job.objects.filter(pk=job.pk, worker=job.worker, state=State.RUNNING).update(**values))
