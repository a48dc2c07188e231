"""Old workers serve on until the new ones can, when gunicorn reloads.

gunicorn starts new workers and tells the old ones to end at the same moment, seconds before a new one has loaded its
model. So an old one asks here first. Workers that were started between two reloads are a generation; each that is ready
leaves a file in the generation's folder.
"""

import os
from pathlib import Path
from typing import cast

from api_service.metrics import files

_ours = 0
_wanted = 1


def begin_generation(number: int) -> None:
    """Called in gunicorn's own process, before the first worker of a generation is started."""
    _folder(number).mkdir(parents=True)


def ready(number: int, workers: int) -> None:
    """This process is a worker, and can serve.

    Args:
        number: Its generation.
        workers: How many there are of each.
    """
    global _ours, _wanted
    _ours, _wanted = number, workers
    (_folder(number) / str(os.getpid())).touch()


def is_over() -> bool:
    """Whether this worker is not needed any more: no reload is under way, or enough new ones are ready."""
    try:
        newest = max(int(folder.name) for folder in _folder(_ours).parent.iterdir())
        return newest == _ours or len(list(_folder(newest).iterdir())) >= _wanted
    except OSError:  # Somebody has removed the folder; nothing may keep a worker from ending.
        return True


def _folder(number: int) -> Path:
    return cast(Path, files.folder()) / "generations" / str(number)
