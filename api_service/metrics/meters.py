"""What is counted and measured; each worker counts for itself, and ``/metrics`` adds up."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
"""Of this process alone."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)
_TENTHS = tuple(tenth / 10 for tenth in range(1, 11))

IN_FLIGHT = Gauge(
    "har_requests_in_flight",
    "Requests being answered, the one for these figures among them.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
_REQUESTS = Counter("har_requests", "Requests answered.", ["method", "route", "status"], registry=REGISTRY)
_REQUEST_SECONDS = Histogram(
    "har_request_seconds", "From a request to its answer.", ["route"], buckets=_SECONDS, registry=REGISTRY
)
_REFUSED = Counter("har_requests_refused", "Requests refused before any work on them.", ["code"], registry=REGISTRY)
_PREDICTIONS = Counter("har_predictions", "Photos classified.", ["label", "decision"], registry=REGISTRY)
_CONFIDENCE = Histogram(
    "har_prediction_confidence", "Probability of the best label.", buckets=_TENTHS, registry=REGISTRY
)
_PREDICTION_SECONDS = Histogram(
    "har_prediction_seconds", "What a photo takes, by phase.", ["phase"], buckets=_SECONDS, registry=REGISTRY
)


def answered(method: str, route: str, status: int, seconds: float) -> None:
    """Counts a request."""
    _REQUESTS.labels(method if method in _METHODS else "other", route, status).inc()
    _REQUEST_SECONDS.labels(route).observe(seconds)


def refused(code: str) -> None:
    """Counts a request that is refused."""
    _REFUSED.labels(code).inc()


def predicted(label: str, decision: str, confidence: float, seconds: dict[str, float]) -> None:
    """Counts a photo.

    Args:
        label: The best label.
        decision: ``sure`` or ``unsure``.
        confidence: The best label's probability.
        seconds: What it took, by phase.
    """
    _PREDICTIONS.labels(label, decision).inc()
    _CONFIDENCE.observe(confidence)
    for phase, duration in seconds.items():
        _PREDICTION_SECONDS.labels(phase).observe(duration)
