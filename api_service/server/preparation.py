"""What is done once before workers start."""

import multiprocessing

import django
from django.core.management import call_command
from django.db import connection

from har_core.config import settings
from har_core.files import locked


def prepare_beside() -> None:
    """Does so in a process of its own: gunicorn's would have Django of then when a reload is to bring new code.

    Raises:
        SystemExit: It failed; why is said on stderr.
    """
    process = multiprocessing.get_context("fork").Process(target=prepare)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(1)


def prepare() -> None:
    """Makes the folders, and brings an SQLite database to this version.

    A database server is left to its operator, who runs ``manage.py migrate`` once for all hosts.
    """
    home = settings().home
    (home / "incoming").mkdir(parents=True, exist_ok=True)
    django.setup()
    if connection.vendor == "sqlite":
        with locked(home / "migrate.lock"):
            call_command("migrate", interactive=False, verbosity=0)
        connection.close()
