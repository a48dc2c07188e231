"""The ``har`` command: one module a verb."""
