"""``manage.py list_keys``."""

from datetime import datetime
from typing import Any

from api_service.keys.management.base import KeyCommand
from api_service.keys.models import ApiKey


class Command(KeyCommand):
    """Lists the keys."""

    help = "Lists the keys, newest first: prefix, scopes, created, expires, last used, state, name."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a line a key, with tabs between its fields."""
        del args, options
        for key in ApiKey.objects.all():
            times = map(_day, (key.created, key.expiry_date, key.last_used))
            self.stdout.write("\t".join((key.prefix, ",".join(key.scopes), *times, key.state, key.name)))


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "never"
