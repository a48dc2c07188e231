"""Videos: read, smoothed over time, and told as segments of one action each.

Here is what can be known without loading a decoder.
"""

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".3gp"})
FORMATS_FOR_PEOPLE = "MP4, MOV, WebM, MKV, AVI or 3GP"

# Pictures a second that are classified: unless somebody says otherwise, at least, at most.
RATE, LOWEST_RATE, HIGHEST_RATE = 2.0, 0.1, 10.0


def clock(seconds: float) -> str:
    """A moment of a video, as players show it: ``1:02.5``, ``1:00:05.0``."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest / 10:04.1f}" if hours else f"{minutes}:{rest / 10:04.1f}"
    return f"{hours}:{text}" if hours else text
