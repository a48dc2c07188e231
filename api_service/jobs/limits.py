"""How large a request may be that brings a job."""

from api_service.config import settings

PATH = "/api/v1/jobs"


def max_body_bytes() -> int:
    """The largest body, in bytes."""
    return settings().max_job_bytes
