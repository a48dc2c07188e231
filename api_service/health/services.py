"""Whether this process can answer. Who asks that must not wait: neither for the model nor for the database."""

import logging

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from api_service.http.errors import DatabaseNotMigrated, DatabaseUnreachable
from api_service.models import services as models
from api_service.polled import Polled
from har_core.bundle import BundleInfo

log = logging.getLogger(__name__)

_FRESH_SECONDS = 5.0


def ready() -> BundleInfo:
    """The model that answers.

    Raises:
        ModelError: It is not loaded yet, missing or broken.
        DatabaseUnreachable: The database does not answer.
        DatabaseNotMigrated: It lacks what this version needs.
    """
    info = models.ready()
    try:
        missing = _database.get()
    except (Error, TimeoutError) as error:
        log.error("the database cannot be used: %s", error)
        raise DatabaseUnreachable("The database cannot be reached.") from None
    if missing:
        raise DatabaseNotMigrated("The database is not of this version: run manage.py migrate.")
    return info


def _missing() -> bool:
    """Whether migrations are to be run. It connects anew each time: an old connection would prove little."""
    try:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    finally:
        connection.close()


_database = Polled(_missing, _FRESH_SECONDS)
