"""What the API's tests share: Django set up once, and its database."""

from collections.abc import Callable, Iterator

import pytest

from har_core import config
from tests import postgres, servers


@pytest.fixture(scope="session")
def django(tmp_path_factory) -> None:
    """Django in this process, with a HAR_HOME and a database that last as long as the tests' session."""
    import django

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(tmp_path_factory.mktemp("django")))
        patch.setenv("DJANGO_SETTINGS_MODULE", "api_service.settings")
        config.settings.cache_clear()
        django.setup()
    config.settings.cache_clear()


@pytest.fixture(scope="session")
def migrated(django) -> None:
    del django
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


@pytest.fixture
def api_database(migrated) -> Iterator[None]:
    """The database of this process, with all tables; what a test writes is gone after it."""
    del migrated
    from django.apps import apps

    yield
    for model in apps.get_models():
        if model._meta.label not in {"auth.Permission", "contenttypes.ContentType"}:
            model._base_manager.all().delete()


@pytest.fixture
def inside(django):
    """Asks Django in this process, without a server."""
    del django
    from django.test import Client

    return Client(raise_request_exception=False, SERVER_NAME="localhost")


@pytest.fixture
def client(inside):
    """The same, where a file's tests have no server of their own."""
    return inside


@pytest.fixture
def use_api_setting(monkeypatch) -> Iterator[Callable[[str, str], None]]:
    """Changes one of the API's settings for this process and those that it starts."""
    from api_service.config import settings

    def use(name: str, value: str) -> None:
        monkeypatch.setenv(f"HAR_API_{name}", value)
        settings.cache_clear()

    yield use
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture(scope="session")
def manage() -> Callable[..., str]:
    return servers.manage


@pytest.fixture(scope="session")
def create_database() -> Iterator[Callable[[str], str]]:
    """Makes an empty database in a PostgreSQL of the tests' own and gives its DATABASE_URL."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.server(programs) as create:
        yield create


@pytest.fixture(scope="session")
def postgres_url(create_database, manage) -> str:
    """The DATABASE_URL of a PostgreSQL database with all tables, shared by a session's tests."""
    url: str = create_database("har")
    manage("migrate", "-v0", DATABASE_URL=url)
    return url
