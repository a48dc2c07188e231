"""What goes wrong with jobs."""

from har_core.errors import HarError


class JobNotFound(HarError):
    """The key has no job of that id."""

    code = "job_not_found"


class IdempotencyConflict(HarError):
    """The idempotency key belongs to a job with other photos or options."""

    code = "idempotency_conflict"


class TooManyJobs(HarError):
    """As many jobs of the key are unfinished as may be."""

    code = "too_many_jobs"


class JobStorageFull(HarError):
    """The files of all jobs take as much of the disk as they may."""

    code = "job_storage_full"


class ResultsIncomplete(HarError):
    """There are not the rows of all photos, and incomplete results were not asked for."""

    code = "results_incomplete"


class JobExpired(HarError):
    """The job's results were removed, as its `expires` said."""

    code = "job_expired"


class JobElsewhere(HarError):
    """The job's photos and rows lie on another host than the one that was asked."""

    code = "job_elsewhere"


class ModelGone(HarError):
    """The model with which a job was begun is not here any more, so that the rest of its rows cannot be had."""

    code = "model_gone"


class JobCrashed(HarError):
    """The process at work on a job broke down again and again, at the same photos."""

    code = "job_crashed"


class JobFilesUnusable(HarError):
    """A job's files cannot be read or written."""

    code = "job_files_unusable"
