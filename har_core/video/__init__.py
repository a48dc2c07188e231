"""Videos: read, smoothed over time, and told as segments of one action each."""
