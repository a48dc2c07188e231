"""Rates: how often a key, or an address without one, may ask."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from tests.api.test_live import problem
from tests.servers import api

URL = "/api/v1/trainings"


@pytest.fixture
def clock(monkeypatch):
    """Stops the time, and moves it on."""

    class Clock:
        now = 1_800_000_000.0

    monkeypatch.setattr(time, "time_ns", lambda: int(Clock.now * 1e9))
    return Clock


@pytest.fixture
def take(api_database):
    """Takes as ``(who, rate)``; gives the seconds to wait."""
    del api_database
    from api_service.limits import services
    from api_service.limits.rate import Rate

    return lambda who, rate: services.take(who, Rate.parse(rate))


@pytest.fixture
def ask(client, api_database):
    """Asks from an address, with a key or without."""
    del api_database

    def send(address: str = "192.0.2.1", key: str | None = None, url: str = URL):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return client.get(url, REMOTE_ADDR=address, headers=headers)

    return send


def test_after_a_burst_requests_pass_at_the_pace_of_the_rate(take, clock):
    assert [take("a", "3/minute") for _ in range(5)] == [0, 0, 0, 20, 20]
    assert take("b", "3/minute") == 0
    clock.now += 19.2
    assert take("a", "3/minute") == 1
    clock.now += 0.8
    assert [take("a", "3/minute") for _ in range(2)] == [0, 20]
    clock.now += 1e6
    assert [take("a", "3/minute") for _ in range(4)] == [0, 0, 0, 20]


def test_a_clock_that_is_late_takes_nothing_away(take, clock):
    assert take("a", "3/minute") == 0
    clock.now -= 50
    assert [take("a", "3/minute") for _ in range(2)] == [0, 0]
    clock.now += 50
    assert take("a", "3/minute") == 20


@pytest.mark.parametrize("rate", ["1/day", "7/minute", "999/hour", "1000/second"])
def test_never_more_pass_than_the_rate_says(take, clock, rate):
    requests, per = int(rate.split("/")[0]), {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[rate.split("/")[1]]
    assert sum(take("a", rate) == 0 for _ in range(requests + 5)) == requests
    clock.now += per / requests + 1e-5
    assert [take("a", rate) == 0 for _ in range(2)] == [True, False]


def test_rows_that_say_nothing_any_more_are_removed(take, clock, monkeypatch):
    from api_service.limits.models import Limit

    for number in range(20):
        take(f"old {number}", "1/minute")
    clock.now += 30
    take("young", "1/minute")
    clock.now += 40
    monkeypatch.setattr("random.randrange", lambda _: 0)
    take("now", "1/minute")
    assert sorted(Limit.objects.values_list("who", flat=True)) == ["now", "young"]


@pytest.mark.usefixtures("clock")
def test_what_has_no_good_key_counts_by_address(use_api_setting, ask):
    from api_service.keys import services

    use_api_setting("AUTH", "required")
    use_api_setting("ANONYMOUS_RATE", "3/minute")
    _, text = services.create("x", ["train"])
    for key in (None, "nonsense", "A" * 8 + "." + "A" * 32):
        assert ask(key=key).status_code == 401
    for late in (ask(), ask(key="nonsense")):
        problem(late, 429, "rate_limited")
        assert late.headers["Retry-After"] == "20"
    assert ask("192.0.2.2").status_code == 401
    assert ask(key=text).status_code == 200
    assert ask(url="/healthz").status_code == 200


def test_an_ipv6_network_is_one_address(use_api_setting, ask):
    use_api_setting("ANONYMOUS_RATE", "1/hour")
    answers = [ask(address).status_code for address in ("2001:db8::1", "2001:db8::2:2", "2001:db8:0:1::1")]
    assert answers == [200, 429, 200]
    assert [ask(address).status_code for address in ("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1")] == [
        200,
        200,
        429,
    ]


def test_what_is_no_address_is_one_and_does_no_harm(use_api_setting, ask):
    use_api_setting("ANONYMOUS_RATE", "1/hour")
    assert [ask(address).status_code for address in ("", "x" * 5000, "unknown")] == [200, 429, 429]
    scoped = [ask(f"fe80::1%{'x' * size}").status_code for size in (5, 5000)]
    assert scoped == [200, 429]


@pytest.mark.usefixtures("clock")
def test_a_key_has_its_own_rate_or_that_of_the_setting(use_api_setting, ask):
    from api_service.keys import services

    use_api_setting("KEY_RATE", "2/minute")
    _, usual = services.create("x", ["train"])
    _, other = services.create("x", ["train"], rate="4/minute")
    assert [ask(key=usual).status_code for _ in range(5)] == [200, 200, 429, 429, 429]
    assert [ask(key=other).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    assert ask(key=usual).headers["Retry-After"] == "30"
    assert ask().status_code == 200  # Open, as it is by default: nobody is counted but keys.


@pytest.mark.parametrize("value", ["5", "5/min", "-5/minute", "0/minute", "1.5/hour", "5/minute ", "٣/minute"])
def test_a_rate_that_is_none_is_refused_by_name(use_api_setting, value):
    from api_service.config import settings
    from har_core.errors import SettingsInvalid

    use_api_setting("KEY_RATE", value)
    with pytest.raises(SettingsInvalid, match="HAR_API_KEY_RATE"):
        settings()


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_the_count_is_exact_over_four_workers(tmp_path, manage, request, storage):
    """Four workers of one host on SQLite, of two hosts on PostgreSQL: 120 requests at once, 30 of them allowed."""
    common = {"HAR_API_AUTH": "required", "HAR_SHIPPED_MODELS": str(tmp_path)}
    if storage == "postgres":
        common["DATABASE_URL"] = request.getfixturevalue("postgres_url")
        hosts = [common | {"HAR_HOME": str(tmp_path / name), "WEB_CONCURRENCY": "2"} for name in ("one", "two")]
    else:
        hosts = [common | {"HAR_HOME": str(tmp_path / "home"), "WEB_CONCURRENCY": "4"}]
    with ExitStack() as stack:
        bases = [stack.enter_context(api(tmp_path / f"log{n}", **host)) for n, host in enumerate(hosts)]
        text = manage("create_key", "x", "--scope", "train", "--rate", "30/day", **hosts[0]).strip()
        start = threading.Barrier(40)

        def send(sender: int) -> list[httpx.Response]:
            base = bases[sender % len(bases)]
            start.wait()
            return [httpx.get(base + URL, headers={"Authorization": f"Bearer {text}"}, timeout=60) for _ in range(3)]

        begun = time.monotonic()
        with ThreadPoolExecutor(40) as pool:
            answers = [answer for some in pool.map(send, range(40)) for answer in some]
        passed = time.monotonic() - begun
    assert Counter(answer.status_code for answer in answers) == {200: 30, 429: 90}
    waits = {int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429}
    assert 2880 - passed - 1 <= min(waits) <= max(waits) <= 2880
