"""How gunicorn serves the API: ``gunicorn -c deploy/gunicorn.conf.py api_service.wsgi``.

Threads rather than processes: a worker's threads share one model. Workers fork first and load their model then.
"""

import os

from gunicorn.workers.base import Worker

bind = f"{os.environ.get('HAR_API_HOST', '127.0.0.1')}:{os.environ.get('HAR_API_PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "gthread"
threads = 8
timeout = 60
graceful_timeout = 20
accesslog = "-"
# The socket would lie outside HAR_HOME, and be shared by all instances.
control_socket_disable = True
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s %(M)sms'


def post_worker_init(worker: Worker) -> None:
    """Loads the model; a missing or broken one is told by /readyz and in the log, not by a crash loop."""
    from api_service.models.services import predictor  # noqa: PLC0415 - after the fork
    from har_core.errors import ModelError  # noqa: PLC0415

    try:
        predictor()
    except ModelError as error:
        worker.log.error("not ready: %s", error)
