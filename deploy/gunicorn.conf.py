"""How gunicorn serves the API: ``gunicorn -c deploy/gunicorn.conf.py``.

A worker waits for clients in an event loop and answers in threads, which share one model: threads rather than processes
for memory. Workers fork first and load their model then, before they take a connection. ``preload_app`` stays off: the
network's threads would not outlive the fork, and a reload would bring nothing new.

WEB_CONCURRENCY is the number of workers. GUNICORN_CMD_ARGS changes anything else, and wins over this file:
``GUNICORN_CMD_ARGS="--max-requests 50000"``.

HUP brings this file and the project's code anew, TERM ends; either lets every request that has been sent be answered.
"""

import os
import sys

# A reload runs this file again, in a process that has imported some of the project before.
for _name in [name for name in sys.modules if name.partition(".")[0] in {"api_service", "har_core"}]:
    del sys.modules[_name]

from gunicorn.arbiter import Arbiter  # noqa: E402
from gunicorn.workers.base import Worker  # noqa: E402

from api_service.config import settings  # noqa: E402
from api_service.http import logs  # noqa: E402
from api_service.metrics import files  # noqa: E402
from api_service.server import preparation, succession  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api_service.settings")
wsgi_app = "api_service.asgi:application"
bind = f"{settings().host}:{settings().port}"
# Two, so that one serves while the other is replaced, and Python's lock keeps no core waiting.
_cores = len(os.sched_getaffinity(0))
workers = settings().workers or min(2, _cores)
# The cores are shared out among them.
os.environ.setdefault("HAR_THREADS", str(max(1, _cores // workers)))
worker_class = "api_service.server.worker.Worker"
# A worker whose event loop does not move for so long is killed; how long an answer may take, the front says.
timeout = 60
# Whatever may be answered is.
graceful_timeout = int(settings().answer_seconds) + 5
keepalive = 15
# As many as were measured to leave nothing behind (docs/api/load.md), and not all workers at the same time.
max_requests = 200_000
max_requests_jitter = 50_000
# The socket would lie outside HAR_HOME, and be shared by all instances.
control_socket_disable = True
logconfig_dict = logs.CONFIG


def on_starting(server: Arbiter) -> None:
    """Prepares HAR_HOME once, before any worker is there."""
    preparation.prepare_beside()
    # Kept by what outlives a reload.
    server.har_counts = files.begin()
    server.har_generation = 0
    succession.begin_generation(0)


def on_reload(server: Arbiter) -> None:
    """Says to the workers that there are that others will take their place."""
    server.har_generation += 1
    succession.begin_generation(server.har_generation)


def post_fork(server: Arbiter, worker: Worker) -> None:
    """Tells a worker with which others it was started."""
    worker.generation = server.har_generation


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
    succession.ready(worker.generation, worker.cfg.workers)
