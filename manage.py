#!/usr/bin/env python
"""The API's administration: ``manage.py migrate``, keys, jobs, an admin's account."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api_service.settings")
    # What a server starts is no worker of it, and leaves nothing among what its workers count.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    execute_from_command_line(sys.argv)
