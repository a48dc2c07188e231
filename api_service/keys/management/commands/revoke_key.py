"""``manage.py revoke_key PREFIX``."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from api_service.keys import services
from api_service.keys.management.base import KeyCommand


class Command(KeyCommand):
    """Revokes a key."""

    help = "Makes a key useless for good."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which key."""
        parser.add_argument("prefix", help="the key up to its dot, as list_keys shows it")

    def handle(self, *args: Any, prefix: str, **options: Any) -> None:
        """Revokes it."""
        del args, options
        if not services.revoke(prefix):
            raise CommandError(f"There is no key {prefix}.")
        self.stderr.write(f"The key {prefix} is revoked.")
