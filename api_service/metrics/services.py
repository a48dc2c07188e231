"""The page that Prometheus reads."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api_service.jobs import selectors
from api_service.metrics import files, meters
from api_service.models import services as models
from api_service.polled import Polled
from har_core.files import locked
from training import queue

log = logging.getLogger(__name__)

_FRESH_SECONDS = 5.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _count_jobs() -> dict[str, int]:
    try:
        return selectors.counts()
    finally:
        connection.close()


_queue = Polled(queue.waiting, _FRESH_SECONDS)
_job_counts = Polled(_count_jobs, _FRESH_SECONDS)


def page() -> bytes:
    """All figures of the server's workers, in Prometheus' text format."""
    now = CollectorRegistry()
    now.register(_Now())
    return _counted() + generate_latest(now)


def _counted() -> bytes:
    folder = files.folder()
    if folder is None:
        return generate_latest(meters.REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))
    with locked(folder / "reading"):
        return generate_latest(registry)


class _Now(Collector):
    """What is not counted but looked up when it is asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All that can be found; what cannot be had is left out, and does not keep the others back."""
        for look in (_model, _jobs, _trainings, _processes):
            try:
                yield from look()
            except Exception as error:
                log.warning("the metrics lack %s: %s", look.__name__.strip("_"), error)


def _model() -> Iterator[GaugeMetricFamily]:
    found = GaugeMetricFamily("har_model_info", "The model that answers.", labels=["name", "version"])
    served = models.served()
    if served:
        found.add_metric([served.name, str(served.version)], 1)
    yield found


def _jobs() -> Iterator[GaugeMetricFamily]:
    found = GaugeMetricFamily("har_jobs", "Jobs by state.", labels=["state"])
    for state, count in _job_counts.get().items():
        found.add_metric([state], count)
    yield found


def _trainings() -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily("har_trainings_waiting", "Trainings in the queue.", len(_queue.get()))


def _processes() -> Iterator[GaugeMetricFamily]:
    sizes = [_resident_bytes(worker) for worker in files.workers()]
    yield GaugeMetricFamily("har_workers", "Processes that answer.", len(sizes))
    yield GaugeMetricFamily("har_resident_memory_bytes", "Memory of all workers together.", sum(sizes))


def _resident_bytes(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
