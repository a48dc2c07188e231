"""Models to put in service."""

import pytest

from har_core.bundle import Bundle
from har_core.config import settings
from tests.bundles import variant


@pytest.fixture
def made(tiny_bundle, tmp_path, use_setting):
    """Makes versions of the tiny model under HAR_HOME; ``tiny@1`` ships and is in service."""
    variant(tiny_bundle, tmp_path / "shipped")
    use_setting("SHIPPED_MODELS", tmp_path / "shipped")
    use_setting("MODEL", "tiny")

    def make(version: int, **changes) -> Bundle:
        return variant(tiny_bundle, settings().home / "models", version=version, **changes)

    return make
