"""Settings, read from the environment (prefix ``HAR_``) when first asked for."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from har_core.errors import SettingsInvalid

PROJECT_ROOT = Path(__file__).resolve().parents[1]

_Kind = TypeVar("_Kind", bound=BaseSettings)
_ICE_SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


class Settings(BaseSettings):
    """What can be set from outside, with defaults that are safe and work at once."""

    model_config = SettingsConfigDict(env_prefix="HAR_", env_ignore_empty=True, frozen=True)

    home: Path = Field(PROJECT_ROOT / "var", description="Folder for everything that a running system writes.")
    shipped_models: Path = Field(PROJECT_ROOT / "models", description="Folder of the bundles that ship.")
    model: str = Field(
        "everyday",
        description="The model in service until another is promoted (NAME), or whatever is promoted (NAME@VERSION).",
    )
    follow: bool = Field(
        False,
        description="Whether this host serves what MLflow's registry says is in service, kept up with by `har models "
        "pull --every`, and promotes nothing itself.",
    )
    threads: int = Field(
        0, ge=0, description="Photos classified at the same time by one process; 0: one a core, at most 8."
    )
    latency_budget_ms: float = Field(
        100, gt=0, description="Milliseconds that a model may take for a photo on one core, to be put in service."
    )
    queue_url: SecretStr = Field(
        SecretStr(""), description="Redis of the training queue, redis://HOST:PORT/DB; empty: SQLite under HAR_HOME."
    )
    mlflow_tracking_uri: SecretStr = Field(
        SecretStr(""),
        validation_alias="MLFLOW_TRACKING_URI",
        description="MLflow server or database that keeps the trainings; empty: SQLite under HAR_HOME.",
    )
    max_image_bytes: int = Field(20_000_000, gt=0, description="Largest image file accepted, in bytes.")
    max_image_pixels: int = Field(
        50_000_000, gt=0, le=170_000_000, description="Largest width × height accepted, in pixels."
    )
    max_image_side: int = Field(20_000, gt=0, description="Longest side accepted, in pixels.")
    max_batch_images: int = Field(32, gt=0, description="Most images in one request.")
    max_request_bytes: int = Field(64_000_000, gt=0, description="Largest request body accepted, in bytes.")
    max_video_bytes: int = Field(500_000_000, gt=0, description="Largest video file accepted, in bytes.")
    max_video_pixels: int = Field(
        9_000_000, gt=0, le=100_000_000, description="Largest width × height of a video accepted, in pixels."
    )
    max_video_seconds: float = Field(
        4 * 3600, gt=0, le=24 * 3600, description="How much of a video is read, from its beginning, in seconds."
    )
    feedback: bool = Field(True, description="Whether people can say what is right; nothing is kept where they cannot.")
    feedback_minutes: float = Field(
        10,
        ge=0,
        description="How long the API keeps a photo that it answered for, so that feedback can name it; 0: not.",
    )
    max_feedback_photos: int = Field(5000, gt=0, description="Most photos kept with what people said of them.")
    max_collected_photos: int = Field(
        10_000, ge=0, description="Most photos kept for the models of the page My own actions, all together; 0: none."
    )
    turn_user: str = Field("", description="User at the TURN servers among the ICE servers.")
    turn_secret: SecretStr = Field(
        SecretStr(""),
        description="The secret that the TURN servers share with the app; browsers get passwords that expire.",
    )
    ice_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="STUN and TURN servers by which webcams reach the app, as stun:HOST:PORT or turn:HOST:PORT; a JSON "
        "list, or separated by commas. None is needed on one machine or in one network.",
    )

    @field_validator("ice_servers", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            try:
                return json.loads(value)
            except json.JSONDecodeError as error:
                raise ValueError(f"it is no JSON list: {error}") from error
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("ice_servers")
    @classmethod
    def _known_schemes(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for url in value:
            if not url.startswith(_ICE_SCHEMES):
                raise ValueError(f"{url} begins with none of {', '.join(_ICE_SCHEMES)}")
        secret = info.data.get("turn_secret")
        # A browser refuses to begin with a TURN server that it cannot log in to.
        if any(url.startswith("turn") for url in value) and not (info.data.get("turn_user") and secret):
            raise ValueError("a TURN server needs HAR_TURN_USER and HAR_TURN_SECRET, too")
        return value


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process; read once.

    Raises:
        SettingsInvalid: A variable has a value that it cannot have; it is named.
    """
    return read(Settings)


def read(kind: type[_Kind]) -> _Kind:
    """Reads settings from the environment.

    Raises:
        SettingsInvalid: A variable has a value that it cannot have; it is named.
    """
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = f"{kind.model_config['env_prefix']}{name}".upper() if name in kind.model_fields else name
        raise SettingsInvalid(f"The environment variable {variable} cannot be used: {first['msg']}.") from error
