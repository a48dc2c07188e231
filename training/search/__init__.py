"""Which recipe is best: many are tried, poor ones are stopped early.

``space.py`` says what is varied, ``record.py`` what a search has found so far, and ``tuning.py`` has Ray Tune run it.
"""
