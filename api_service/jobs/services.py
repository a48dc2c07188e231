"""Jobs taken in, cancelled and removed."""

import hashlib
import os
import shutil
import socket
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from api_service.config import settings
from api_service.jobs import models
from api_service.jobs.errors import IdempotencyConflict, JobElsewhere, JobStorageFull, TooManyJobs
from api_service.jobs.models import UNFINISHED, Job, State
from api_service.jobs.uploads import Upload, archive_in
from har_core import identity
from har_core.batch import archive
from har_core.config import settings as har
from har_core.files import is_locked
from training import background

# How long it is told that a job has expired.
_REMEMBERED = timedelta(days=30)
_FORGOTTEN_SECONDS = 24 * 3600


def submit(owner: str, upload: Upload, top_k: int, idempotency_key: str | None = None) -> tuple[Job, bool]:
    """Makes a job of what was sent, and sees to it that somebody does it.

    Args:
        owner: Prefix of the key that sent it.
        upload: What was sent; the job takes it over.
        top_k: How many labels to list.
        idempotency_key: What the client calls it.

    Returns:
        The job, and whether it is new; one that this owner has sent before under the same name is not.

    Raises:
        ArchiveError: It is no zip of photos that can be used.
        ImageTooLarge: All photos in it are too large.
        IdempotencyConflict: The owner has sent something else under this name.
        TooManyJobs: As many jobs of this owner are unfinished as may be.
        JobStorageFull: The files of all jobs take as much of the disk as they may.
    """
    digest = hashlib.sha256(f"{upload.digest} {top_k}".encode()).hexdigest()
    earlier = _earlier(owner, idempotency_key, digest)
    if earlier:
        return earlier, False
    path, every = archive_in(upload.folder)
    total, skipped = archive.check(path, every, settings().max_job_images, settings().max_job_bytes)
    job = Job(
        home=identity.of(models.root()), owner=owner, idempotency_key=idempotency_key, digest=digest, top_k=top_k,
        total=total, skipped=skipped,
    )  # fmt: skip
    upload.folder.rename(job.folder)
    try:
        with transaction.atomic():
            _require_room(owner)
            job.save(force_insert=True)
    except BaseException as error:
        job.remove_files()
        # The same was sent at the same moment, and the other one was faster.
        earlier = _earlier(owner, idempotency_key, digest) if isinstance(error, IntegrityError) else None
        if earlier is None:
            raise
        return earlier, False
    ensure_worker()
    return job, True


def end(job: Job) -> bool:
    """Cancels a job that has not ended; removes one that has, with its files.

    It is cancelled from any host: the one where its files lie may be gone for good. If not, its worker stops, and they
    go when the job expires.

    Returns:
        Whether it is still there: a cancelled one keeps the rows that it has until it expires.

    Raises:
        JobElsewhere: It has ended, and its files lie in another host's folder.
    """
    now = timezone.now()
    ended = {"state": State.CANCELLED, "finished": now, "expires": now + lifetime()}
    if Job.objects.filter(pk=job.pk, state__in=UNFINISHED).update(**ended):
        job.refresh_from_db()
        if is_here(job):
            remove_photos(job)
        return True
    require_here(job)
    Job.objects.filter(pk=job.pk).delete()
    job.remove_files()
    return False


def remove_photos(job: Job) -> None:
    """Nobody needs them any more once a job has ended, however it did; a worker that still reads them is not harmed."""
    archive_in(job.folder)[0].unlink(missing_ok=True)


def lifetime() -> timedelta:
    """How long the rows of a job are kept after its end."""
    return timedelta(hours=settings().job_hours)


def expire() -> None:
    """Removes the rows of the jobs whose time is over and whose files lie here."""
    due = Job.objects.filter(expires__lt=timezone.now(), home__in=models.homes_here())
    for job in due.exclude(state=State.EXPIRED):
        Job.objects.filter(pk=job.pk).update(state=State.EXPIRED)
        job.remove_files()


def sweep() -> None:
    """Removes all that nobody needs any more, also what was left by processes that broke down."""
    expire()
    Job.objects.filter(state=State.EXPIRED, expires__lt=timezone.now() - _REMEMBERED).delete()
    kept = {str(job) for job in Job.objects.exclude(state=State.EXPIRED).values_list("pk", flat=True)}
    oldest = timezone.now().timestamp() - _FORGOTTEN_SECONDS
    for folder in (*models.root().glob("*-*-*-*-*/"), *models.root().glob("incoming/*/")):
        with suppress(FileNotFoundError):
            if folder.name not in kept and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def is_here(job: Job) -> bool:
    """Whether its files lie in this host's folder."""
    return job.home in models.homes_here()


def require_here(job: Job) -> None:
    """Refuses what needs its files where they are not.

    Raises:
        JobElsewhere: They lie in another host's folder.
    """
    if not is_here(job):
        raise JobElsewhere("The job's photos and rows lie on another host: ask the one to which it was sent.")


def ensure_worker() -> None:
    """Starts a worker if none is alive on this machine; it ends when it has had nothing to do for a while."""
    if not is_locked(worker_lock()):
        background.start_once(["manage", "work_jobs", "--while-busy"], har().home / "jobs.log")


def worker_lock() -> Path:
    """Held by this machine's worker; other machines may share the folder."""
    return models.root() / f"{socket.gethostname()}.lock"


def _earlier(owner: str, idempotency_key: str | None, digest: str) -> Job | None:
    """The job that the owner has sent under that name."""
    if idempotency_key is None:
        return None
    job = Job.objects.filter(owner=owner, idempotency_key=idempotency_key).first()
    if job and job.digest != digest:
        raise IdempotencyConflict("This Idempotency-Key belongs to a job with other photos or options.")
    return job


def _require_room(owner: str) -> None:
    most = settings().max_jobs
    if Job.objects.filter(owner=owner, state__in=UNFINISHED).count() >= most:
        raise TooManyJobs(f"{most} jobs are unfinished, and no more are taken. Wait for one to end, or cancel one.")
    if _bytes_used() > settings().max_jobs_bytes:
        raise JobStorageFull("There is no room for another job's photos now. Remove jobs that have ended.")


def _bytes_used() -> int:
    total = 0
    for folder, _, names in os.walk(models.root()):
        for name in names:
            with suppress(FileNotFoundError):  # Removed meanwhile.
                total += (Path(folder) / name).stat().st_size
    return total
