"""How long a model takes is measured here, and known from then on."""

import platform

from har_core import latency
from har_core.config import settings


def test_what_was_measured_is_known_until_the_model_or_the_machine_is_another(made, monkeypatch):
    bundle, other = made(2), made(3)
    assert latency.known(bundle) is None
    found = latency.measure(bundle)
    assert found > 0
    assert latency.known(bundle) == found
    assert latency.known(other) is None
    monkeypatch.setattr(platform, "node", lambda: "elsewhere")
    assert latency.known(bundle) is None


def test_a_damaged_or_missing_cache_only_means_that_it_is_not_known(made):
    bundle = made(2)
    latency.measure(bundle)
    for file in (settings().home / "cache" / "latency").iterdir():
        file.write_text("{")
    assert latency.known(bundle) is None
    assert latency.measure(bundle) == latency.known(bundle)


def test_a_cache_that_cannot_be_written_does_not_keep_it_from_being_measured(made):
    bundle = made(2)
    (settings().home / "cache").write_text("a file")
    assert latency.measure(bundle) > 0
