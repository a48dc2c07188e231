"""One network trained by several processes: each takes its share of every batch, and all make the same step.

Worker 0 is the chief: the run is its own, and it tells the others what to do, epoch by epoch. They keep nothing.
"""
