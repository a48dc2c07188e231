"""``manage.py create_key NAME --scope predict``."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from api_service.keys import services
from api_service.keys.management.base import KeyCommand
from api_service.keys.models import Scope


class Command(KeyCommand):
    """Makes a key."""

    help = "Makes a key and prints it on stdout; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be said of the key."""
        parser.add_argument("name", help="whose key it is, in words")
        parser.add_argument("--scope", action="append", required=True, choices=Scope.values, help="may be repeated")
        parser.add_argument("--expires-days", type=_days, help="days until it expires; without: never")
        parser.add_argument(
            "--rate", default="", help="how often it may be used, as 100/minute; without: HAR_API_KEY_RATE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the key."""
        del args
        name, days = options["name"], options["expires_days"]
        expires = None if days is None else timezone.now() + timedelta(days=days)
        try:
            key, text = services.create(name, options["scope"], expires, options["rate"])
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stderr.write(f"The key {key.prefix} of {name}. Keep it: it cannot be shown again.")
        self.stdout.write(text)


def _days(text: str) -> int:
    days = int(text)
    if not 0 < days <= 36_500:
        raise ValueError(text)
    return days
