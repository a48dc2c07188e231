"""What is done once before workers start."""

import django
from django.core.management import call_command
from django.db import connection

from har_core.config import settings
from har_core.files import locked


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
