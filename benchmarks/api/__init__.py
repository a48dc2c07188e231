"""How fast and how robust the API is; each module is run by itself: ``python -m benchmarks.api.speed``."""
