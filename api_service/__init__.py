"""The REST API: a Django project around ``har_core``."""
