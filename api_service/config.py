"""The API's own settings, read from the environment (prefix ``HAR_API_``) when first asked for."""

import re
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api_service.limits.rate import checked
from har_core import config

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")

_Rate = Annotated[str, AfterValidator(checked)]
_Names = Annotated[tuple[str, ...], NoDecode]


class ApiSettings(BaseSettings):
    """What can be set of the API, with defaults that are safe and work at once."""

    model_config = SettingsConfigDict(env_prefix="HAR_API_", env_ignore_empty=True, frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen at; 0.0.0.0 for all of this machine's.")
    port: int = Field(8000, gt=0, lt=65536, description="Port to listen at.")
    allowed_hosts: _Names = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        validation_alias="DJANGO_ALLOWED_HOSTS",
        description="Host names that the API answers to, separated by commas.",
    )
    debug: bool = Field(
        False, validation_alias="DJANGO_DEBUG", description="Whether the administration's error pages show the code."
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        validation_alias="DJANGO_SECRET_KEY",
        description="Signs the administration's sessions; the same on all hosts. Empty: a random one, kept in "
        "HAR_HOME/secret_key, which api_service.production does not take.",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="DATABASE_URL",
        description="Database of keys, limits and jobs, postgres://USER:PASSWORD@HOST/NAME; empty: SQLite in HAR_HOME.",
    )
    workers: int = Field(
        0,
        ge=0,
        validation_alias="WEB_CONCURRENCY",
        description="Worker processes; 0: two, or one where there is one core. The cores are shared out among them.",
    )
    auth: Literal["local", "required"] = Field(
        "local",
        description="Who needs a key. local: nobody, as long as the API listens on this machine alone and answers to "
        "its names alone, and everybody otherwise. required: everybody. Say required where a proxy passes requests on.",
    )

    key_rate: _Rate = Field(
        "6000/minute", description="How often a key may be used: N/second, N/minute, N/hour or N/day."
    )
    anonymous_rate: _Rate | None = Field(
        None,
        description="How often an address may ask without a good key, as N/minute; without: 600/minute where keys are "
        "needed, and as often as it likes elsewhere.",
    )
    max_concurrent: int = Field(
        64,
        gt=0,
        description="Requests that a worker has under way at the same time; a further one is told to come back.",
    )
    arrival_seconds: float = Field(
        20,
        gt=0,
        description="How long a request's head, and its body, may take to arrive; long bodies more, at 10 kB a second.",
    )
    answer_seconds: float = Field(
        60, gt=0, description="How long an answer may take; then it is given up, and the worker is replaced."
    )
    max_incoming_bytes: int = Field(
        4_000_000_000, gt=0, description="Bytes of request bodies that a worker takes in at the same time."
    )

    cors_origins: _Names = Field(
        (),
        description="Origins of web pages that may ask the API, as https://app.example.org, separated by commas; * for "
        "all. Keys are sent by the pages themselves; browsers send no credentials of their own.",
    )

    job_hours: float = Field(
        24, gt=0, description="How long a job's results are kept after its end; its photos are not."
    )
    max_job_bytes: int = Field(2_000_000_000, gt=0, description="Most bytes of the request that brings a job.")
    max_job_images: int = Field(100_000, gt=0, description="Most photos of a job.")
    max_jobs: int = Field(10, gt=0, description="Most unfinished jobs of a key, or of all who need none.")
    max_jobs_bytes: int = Field(
        20_000_000_000, gt=0, description="Most bytes on the disk, of all jobs together, when another one is taken."
    )

    @property
    def needs_key(self) -> bool:
        """Whether a request needs a key."""
        return self.auth == "required" or self.host not in LOCAL_NAMES or not LOCAL_NAMES.issuperset(self.allowed_hosts)

    @property
    def keyless_rate(self) -> str | None:
        """How often an address may ask without a good key; None: as often as it likes."""
        return self.anonymous_rate or ("600/minute" if self.needs_key else None)

    @field_validator("allowed_hosts", "cors_origins", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _as_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is no origin, as https://app.example.org or http://localhost:3000")
        return value


@lru_cache(maxsize=1)
def settings() -> ApiSettings:
    """The settings of this process; read once.

    Raises:
        SettingsInvalid: A variable has a value that it cannot have; it is named.
    """
    return config.read(ApiSettings)
