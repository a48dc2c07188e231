"""The database: SQLite by default, PostgreSQL by DATABASE_URL."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.test_live import problem
from tests.servers import api

# Four threads that write at once: limits, keys, and what is read and then written.
WRITERS = """
from concurrent.futures import ThreadPoolExecutor
from django.db import connection, transaction
from api_service.keys import services as keys
from api_service.limits import services as limits
from api_service.limits.models import Limit
from api_service.limits.rate import Rate

def write(number):
    for step in range(15):
        assert limits.take("all", Rate.parse("1000000/second")) == 0
        keys.create("x", ["predict"])
        with transaction.atomic():
            row = Limit.objects.get(who="sum")
            row.arrival += 1
            row.save()
    connection.close()

with ThreadPoolExecutor(4) as pool:
    list(pool.map(write, range(4)))
"""
COUNT = """
from api_service.keys.models import ApiKey
from api_service.limits.models import Limit
print(ApiKey.objects.count(), Limit.objects.get(who="sum").arrival - 10**18)
"""


def test_no_migration_is_missing(api_database):
    del api_database
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_sqlite_lets_readers_and_a_writer_work_at_the_same_time(api_database):
    del api_database
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone() == (1,)  # NORMAL: whole after any crash, at one flush a checkpoint.


def test_on_sqlite_four_processes_of_four_threads_write_at_once(manage, home):
    here = {"HAR_HOME": str(home)}
    manage("migrate", "-v0", **here)
    manage(
        "shell",
        "-v0",
        "-c",
        "from api_service.limits.models import Limit; Limit(who='sum', asked=0, arrival=10**18).save()",
        **here,
    )
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda _: manage("shell", "-v0", "-c", WRITERS, **here), range(4)):
            pass
    assert manage("shell", "-v0", "-c", COUNT, **here).split() == ["240", "240"]


def test_postgresql_is_migrated_from_nothing(create_database, manage):
    empty = {"DATABASE_URL": create_database("empty")}
    manage("migrate", "-v0", **empty)
    assert "[ ]" not in manage("showmigrations", **empty)
    prefix = manage("create_key", "x", "--scope", "train", **empty).partition(".")[0]
    assert manage("list_keys", **empty).startswith(f"{prefix}\ttrain\t")


def test_on_postgresql_keys_are_made_in_the_administration_and_used(tmp_path, manage, postgres_url):
    here = {"DATABASE_URL": postgres_url, "HAR_API_AUTH": "required", "HAR_SHIPPED_MODELS": str(tmp_path)}
    boss = {"DJANGO_SUPERUSER_USERNAME": "boss", "DJANGO_SUPERUSER_PASSWORD": "a-long-Pass-phrase-9"}
    manage("createsuperuser", "--noinput", "--email", "", **here, **boss)
    with api(tmp_path / "log", **here) as base, httpx.Client(base_url=base, follow_redirects=True) as client:

        def send(url: str, **fields: str) -> httpx.Response:
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get(url).text)[1]
            return client.post(url, data={"csrfmiddlewaretoken": token, **fields})

        send("/admin/login/", username=boss["DJANGO_SUPERUSER_USERNAME"], password=boss["DJANGO_SUPERUSER_PASSWORD"])
        shown = send("/admin/keys/apikey/add/", name="robot", scopes="train", rate="1/hour")
        key = {"Authorization": f"Bearer {re.search('<code>(.*)</code>', shown.text)[1]}"}
        assert client.get("/api/v1/trainings", headers=key).status_code == 200
        problem(client.get("/api/v1/trainings", headers=key), 429, "rate_limited")
    (line,) = [line for line in manage("list_keys", **here).splitlines() if line.endswith("\trobot")]
    assert "never" not in line.split("\t")[4]


@pytest.fixture(autouse=True)
def _no_url(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
