"""The records of jobs; the photos and the rows lie in files."""

import shutil
import uuid
from pathlib import Path

from django.db import models
from django.utils import timezone

from har_core import identity
from har_core.config import settings


def root() -> Path:
    """The folder of all jobs' files."""
    return settings().home / "jobs"


def homes_here() -> tuple[str, str]:
    """What jobs say whose files lie in this host's folder; those from before there were several say nothing."""
    return "", identity.known(root())


class State(models.TextChoices):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


UNFINISHED = (State.QUEUED, State.RUNNING)


class Job(models.Model):
    """Many photos to be classified.

    Attributes:
        home: Which folder of jobs its files lie in; other hosts may have others.
        owner: Prefix of the key that sent it; empty: sent without one.
        idempotency_key: What the client calls it, so that sending it twice makes one job.
        digest: SHA-256 of what was sent.
        total: Photos. ``skipped`` are other files, ``done`` the rows so far, ``failed`` those with an error.
        rate: Photos a second, lately.
        model: The one that answers, ``NAME@VERSION``, with its bundle's ``model_digest``; empty until it runs.
        expires: When the rows are removed, too; None until it has ended.
        worker: The process at work on it, until ``lease``, which it prolongs.
        attempts: How often it was begun since rows were last written.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    home = models.CharField(max_length=16, blank=True, default="", db_default="")  # An older API may write beside.
    owner = models.CharField(max_length=32, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True)
    digest = models.CharField(max_length=64)
    top_k = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    total = models.PositiveIntegerField()
    skipped = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    rate = models.FloatField(null=True)
    model = models.CharField(max_length=100, blank=True)
    model_digest = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now)
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    expires = models.DateTimeField(null=True, db_index=True)
    worker = models.CharField(max_length=100, blank=True)
    lease = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        """Order, index and what there can be one of only."""

        ordering = ("-created", "-id")
        indexes = (models.Index(fields=("state", "created")),)
        # A job without such a key has null there, which is equal to no other.
        constraints = (models.UniqueConstraint(fields=("owner", "idempotency_key"), name="one_job_a_key"),)

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return root() / str(self.id)

    @property
    def output(self) -> Path:
        """The rows so far, as JSON lines."""
        return self.folder / "results.jsonl"

    def remove_files(self) -> None:
        """Leaves nothing of the photos and the rows."""
        shutil.rmtree(self.folder, ignore_errors=True)
