"""The key by which Django signs sessions, where the environment names none."""

import secrets

from har_core.config import settings
from har_core.files import locked


def of_this_machine() -> str:
    """A random key, made once and kept in ``HAR_HOME/secret_key``, readable by this user alone.

    All workers need the same one, or an admin who logs in with one is unknown to the next.
    """
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    path = home / "secret_key"
    with locked(home / "secret_key.lock"):
        if not path.exists():
            beside = path.with_suffix(".new")
            beside.touch(mode=0o600)
            beside.write_text(secrets.token_urlsafe(50), "utf-8")
            beside.replace(path)
        return path.read_text("utf-8")
