"""``manage.py work_jobs``."""

import os
import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api_service.jobs import worker

_IDLE_SECONDS = 60.0
# Requests that somebody waits for come first.
_NICENESS = 10


class Command(BaseCommand):
    """Works until it is told to end."""

    help = "Does the jobs that wait, one after the other."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be said on the command line."""
        parser.add_argument(
            "--while-busy",
            action="store_true",
            help="End when another worker of this machine is alive, or after a minute without work.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Works."""
        del args
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        os.nice(_NICENESS)
        is_temporary = options["while_busy"]
        worker.work(idle_seconds=_IDLE_SECONDS if is_temporary else None, wait=not is_temporary)
