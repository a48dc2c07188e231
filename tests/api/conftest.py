"""What the API's tests share: Django set up once, and its database."""

from collections.abc import Iterator

import pytest

from har_core import config


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
    from django.core.management import call_command

    yield
    call_command("flush", verbosity=0, interactive=False)
