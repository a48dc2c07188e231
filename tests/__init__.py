"""Tests, mirroring the packages.

Sums over a handful of photos are not shared out among threads: where others keep the cores busy, such threads wait for
each other for most of the time. It is set before NumPy is imported, and holds for the processes that tests start, too.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
