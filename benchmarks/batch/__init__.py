"""What bulk scoring costs: ``python -m benchmarks.batch``."""
