"""How gunicorn serves the API: ``gunicorn -c deploy/gunicorn.conf.py``.

A worker waits for clients in an event loop and answers in threads, which share one model: threads rather than processes
for memory. Workers fork first and load their model then, before they take a connection.

WEB_CONCURRENCY is the number of workers.
"""

import os

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from api_service.config import settings
from api_service.http import logs
from api_service.metrics import files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api_service.settings")
wsgi_app = "api_service.asgi:application"
bind = f"{settings().host}:{settings().port}"
# Two, so that one serves while the other is replaced, and Python's lock keeps no core waiting.
_cores = len(os.sched_getaffinity(0))
workers = int(os.environ.get("WEB_CONCURRENCY") or min(2, _cores))
# The cores are shared out among them.
os.environ.setdefault("HAR_THREADS", str(max(1, _cores // workers)))
worker_class = "api_service.server.worker.Worker"
timeout = 60
graceful_timeout = 20
keepalive = 15
# The socket would lie outside HAR_HOME, and be shared by all instances.
control_socket_disable = True
logconfig_dict = logs.CONFIG


def on_starting(server: Arbiter) -> None:
    """Prepares HAR_HOME once, before any worker is there."""
    del server
    from api_service.server import preparation  # noqa: PLC0415

    files.begin()
    preparation.prepare()


def child_exit(server: Arbiter, worker: Worker) -> None:
    """Keeps what a worker has counted, however it ended."""
    del server
    files.end(worker.pid)


def post_worker_init(worker: Worker) -> None:
    """Loads the model; a missing or broken one is told by /readyz and in the log, not by a crash loop."""
    from api_service.models.services import predictor  # noqa: PLC0415 - after the fork
    from har_core.errors import ModelError  # noqa: PLC0415

    try:
        predictor()
    except ModelError as error:
        worker.log.error("not ready: %s", error)
