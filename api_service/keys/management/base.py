"""What the commands about keys share."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError


class KeyCommand(BaseCommand):
    """A command that says in words when there is no database to speak of."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Runs the command.

        Raises:
            CommandError: It cannot be done.
        """
        try:
            return super().execute(*args, **options)
        except DatabaseError as error:
            raise CommandError(f"{str(error).strip()} (Where tables are missing, run manage.py migrate.)") from error
