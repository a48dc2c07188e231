import sys

import pytest


@pytest.fixture(autouse=True)
def _main(monkeypatch):
    """The test harness makes each page the main module, which processes started later on would run in turn."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
