import sys

import pytest
import streamlit as st

from training import queue


@pytest.fixture(autouse=True)
def _main(monkeypatch):
    """The test harness makes each page the main module, which processes started later on would run in turn."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def started(monkeypatch):
    """Keeps workers from being started; gives how many would have been."""
    st.cache_resource.clear()
    st.cache_data.clear()
    asked: list[bool] = []
    monkeypatch.setattr(queue, "ensure_worker", lambda: asked.append(True))
    return asked
