"""Feedback: what a visitor says of an answer, its review, and the way from there to a better model."""
