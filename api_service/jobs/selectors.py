"""What is said of jobs."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from api_service.jobs import services
from api_service.jobs.errors import JobNotFound
from api_service.jobs.models import Job, State, homes_here


def find(owner: str | None, identity: uuid.UUID) -> Job:
    """A job.

    Args:
        owner: Whose it must be; None: anybody's.
        identity: Its id.

    Raises:
        JobNotFound: There is none like that.
    """
    job = _of(owner).filter(pk=identity).first()
    if job is None:
        raise JobNotFound("There is no such job, or it was removed.")
    return job


def newest_first(owner: str | None, limit: int) -> list[Job]:
    """So many jobs of an owner; None: of everybody."""
    return list(_of(owner)[:limit])


def waiting() -> list[uuid.UUID]:
    """The ids of the jobs that wait here, in the order in which they will be done."""
    waiting = Job.objects.filter(state=State.QUEUED, home__in=homes_here())
    return list(waiting.order_by("created", "id").values_list("pk", flat=True))


def counts() -> dict[str, int]:
    """How many jobs there are in each state."""
    found = Job.objects.order_by().values_list("state").annotate(Count("pk"))
    return dict.fromkeys(State.values, 0) | dict(found)


def summary(job: Job, waiting: list[uuid.UUID]) -> dict[str, Any]:
    """A job as clients are told of it.

    Args:
        job: The job.
        waiting: As ``waiting()`` gives it.
    """
    is_running = job.state == State.RUNNING
    left = job.total - job.done
    return {
        "id": job.id,
        "state": job.state,
        "position": waiting.index(job.id) + 1 if job.id in waiting else None,
        "model": job.model or None,
        "top_k": job.top_k,
        "images": {"total": job.total, "done": job.done, "failed": job.failed, "skipped": job.skipped},
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "expires": job.expires,
        "seconds": _seconds(job.started, job.finished or timezone.now()),
        "images_per_second": job.rate,
        "remaining_seconds": left / job.rate if is_running and job.rate else None,
        "error": {"code": job.error_code, "message": job.error_message} if job.error_code else None,
        "results": f"/api/v1/jobs/{job.id}/results",
    }


def _of(owner: str | None) -> "QuerySet[Job]":
    services.expire()
    return Job.objects.all() if owner is None else Job.objects.filter(owner=owner)


def _seconds(started: datetime | None, until: datetime) -> float | None:
    return (until - started).total_seconds() if started else None
