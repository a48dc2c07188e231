"""Keys: who may ask for what."""

import io
from datetime import timedelta
from unittest.mock import Mock

import httpx
import pytest

from tests.api.test_live import problem
from tests.servers import api

pytestmark = pytest.mark.usefixtures("api_database")

SCOPES = ("predict", "feedback", "train", "admin")


def run(*words: str) -> tuple[str, str]:
    """What a command of manage.py says on stdout and on stderr."""
    from django.core.management import call_command

    out, err = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def make(*scopes: str, **options):
    from api_service.keys import services

    return services.create("a program", scopes, **options)


@pytest.fixture
def ask(client):
    """Sends a request with a key."""

    def send(method: str, url: str, text: str, **headers: str):
        return client.generic(method, url, headers={"Authorization": f"Bearer {text}", **headers})

    return send


@pytest.fixture
def _required(use_api_setting):
    use_api_setting("AUTH", "required")


needs_key = pytest.mark.usefixtures("_required")


@needs_key
@pytest.mark.parametrize(
    ("method", "url", "scope"),
    [
        ("POST", "/api/v1/predictions", "predict"),
        ("POST", "/api/v1/feedback", "feedback"),
        ("GET", "/api/v1/trainings", "train"),
        ("HEAD", "/api/v1/trainings", "train"),
        ("POST", "/api/v1/trainings", "train"),
        ("DELETE", "/api/v1/trainings/x", "train"),
        ("GET", "/api/v1/labels", None),
        ("OPTIONS", "/api/v1/trainings", None),
        ("DELETE", "/api/v1/predictions", None),
    ],
)
def test_a_key_opens_what_its_scope_says_and_nothing_else(ask, method, url, scope):
    for held in SCOPES:
        answer = ask(method, url, make(held)[1])
        if scope in (held, None):
            assert answer.status_code not in {401, 403}, answer.content
        else:
            assert answer.status_code == 403
            assert method == "HEAD" or f"“{scope}”" in problem(answer, 403, "scope_missing")["detail"]


@needs_key
def test_what_needs_a_key_says_so(client):
    answer = client.get("/api/v1/trainings")
    problem(answer, 401, "key_missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("mode", ["local", "required"])
@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "nonsense",
        "{prefix}",
        "{prefix}.{short}",
        "{prefix}.{short}-",
        "{prefix}.{secret}x",
        "{prefix} {secret}",
        "{prefix}.{secret}\0",
        "{prefix}.{secret}" + "x" * 5000,
        "AAAAAAAA.{secret}",
        "ü" * 41,
    ],
)
def test_a_key_that_is_none_is_told_even_where_none_is_needed(use_api_setting, ask, mode, wrong):
    use_api_setting("AUTH", mode)
    prefix, secret = make(*SCOPES)[1].split(".")
    answer = ask("GET", "/api/v1/trainings", wrong.format(prefix=prefix, secret=secret, short=secret[:-1]))
    problem(answer, 401, "key_invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@needs_key
def test_a_key_ends_when_it_expires_or_is_revoked(ask):
    from django.utils import timezone

    now = timezone.now()
    problem(ask("GET", "/api/v1/trainings", make("train", expires=now)[1]), 401, "key_invalid")
    key, text = make("train", expires=now + timedelta(minutes=1))
    assert ask("GET", "/api/v1/trainings", text).status_code == 200
    run("revoke_key", key.prefix)
    problem(ask("GET", "/api/v1/trainings", text), 401, "key_invalid")


def test_without_need_of_keys_all_is_open_but_a_key_counts_for_what_it_says(client, ask):
    assert client.get("/api/v1/trainings").status_code == 200
    assert client.get("/api/v1/trainings", headers={"Authorization": "Basic eDp4"}).status_code == 200
    problem(ask("GET", "/api/v1/trainings", make("predict")[1]), 403, "scope_missing")


def test_pages_of_other_sites_may_send_only_where_they_are_named_or_have_a_key(client, ask, use_api_setting):
    page = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    use_api_setting("CORS_ORIGINS", "*")
    problem(client.post("/api/v1/predictions", headers=page), 403, "forbidden")
    problem(ask("POST", "/api/v1/predictions", make("predict")[1], **page), 400, "bad_request")
    use_api_setting("CORS_ORIGINS", "https://app.example")
    problem(client.post("/api/v1/predictions", headers=page), 400, "bad_request")


def test_every_view_says_what_it_needs():
    from django.urls import get_resolver

    for pattern in get_resolver().url_patterns:
        view = getattr(pattern.callback, "cls", None)
        if view is None or view.permission_classes == ():
            continue
        methods = {name for name in view.http_method_names if hasattr(view, name)} - {"options"}
        assert hasattr(view, "scope") or {name.upper() for name in methods} == set(view.scopes), view
        assert {getattr(view, "scope", None), *getattr(view, "scopes", {}).values()} <= {None, *SCOPES}, view


@needs_key
def test_the_last_use_is_kept_to_the_minute_and_keeps_nobody_waiting(ask, monkeypatch):
    from django.db import DatabaseError
    from django.db.models import QuerySet

    from api_service.keys.models import ApiKey

    key, text = make("train")
    for _ in range(2):
        assert ask("GET", "/api/v1/trainings", text).status_code == 200
        first = ApiKey.objects.get(pk=key.pk).last_used
        assert first is not None
    ApiKey.objects.update(last_used=first - timedelta(seconds=61))
    ask("GET", "/api/v1/trainings", text)
    assert ApiKey.objects.get(pk=key.pk).last_used > first

    ApiKey.objects.update(last_used=None)
    monkeypatch.setattr(QuerySet, "update", Mock(side_effect=DatabaseError))
    assert ask("GET", "/api/v1/trainings", text).status_code == 200


@needs_key
def test_commands_make_list_and_revoke_keys(ask):
    out, err = run("create_key", "Tim’s robot", "--scope", "train", "--scope", "predict", "--expires-days", "90")
    text = out.removesuffix("\n")
    assert ask("GET", "/api/v1/trainings", text).status_code == 200
    prefix, secret = text.split(".")
    assert secret not in err
    out, _ = run("list_keys")
    assert out.startswith(f"{prefix}\tpredict,train\t")
    assert out.endswith("\tgood\tTim’s robot\n")
    assert secret not in out
    run("revoke_key", prefix)
    assert "\trevoked\t" in run("list_keys")[0]


@pytest.mark.parametrize(
    "words",
    [
        ["create_key", "x" * 51, "--scope", "train"],
        ["create_key", "", "--scope", "train"],
        ["create_key", "x"],
        ["create_key", "x", "--scope", "everything"],
        ["create_key", "x", "--scope", "train", "--rate", "5"],
        ["create_key", "x", "--scope", "train", "--rate", "0/minute"],
        ["create_key", "x", "--scope", "train", "--expires-days", "0"],
        ["create_key", "x", "--scope", "train", "--expires-days", "1e9"],
        ["revoke_key", "AAAAAAAA"],
    ],
)
def test_commands_refuse_what_cannot_be(words):
    from django.core.management import CommandError

    with pytest.raises(CommandError):
        run(*words)
    assert run("list_keys") == ("", "")


def test_commands_say_what_is_missing(manage, home):
    with pytest.raises(AssertionError, match=r"^CommandError: no such table: .* run manage.py migrate"):
        manage("create_key", "x", "--scope", "train", HAR_HOME=str(home))


def test_no_secret_is_in_the_database():
    from api_service.keys.models import ApiKey

    _, text = make("train")
    (row,) = ApiKey.objects.values()
    assert text.split(".")[1] not in str(row)


@pytest.fixture
def admin(client):
    """A browser that is logged in to the administration."""
    from django.contrib.auth.models import User

    client.force_login(User.objects.create_superuser("boss"))
    return client


URL = "/admin/keys/apikey/"
FORM = {"name": "a <b>robot</b>", "scopes": ["train", "predict"], "expiry_date_0": "", "expiry_date_1": "", "rate": ""}


@needs_key
def test_the_administration_shows_a_key_once_and_never_its_hash(admin, ask):
    from api_service.keys.models import ApiKey

    shown = admin.post(f"{URL}add/", FORM, follow=True)
    text = shown.content.decode().partition("<code>")[2].partition("</code>")[0]
    assert ask("GET", "/api/v1/trainings", text).status_code == 200
    key = ApiKey.objects.get()
    assert set(key.scopes) == {"predict", "train"}
    page = f"{URL}{key.pk}/change/"
    for address in (URL, page, f"{URL}{key.pk}/history/", "/admin/"):
        content = admin.get(address).content.decode()
        assert text.split(".")[1] not in content
        assert key.hashed_key not in content
        assert "<b>robot" not in content
    assert key.hashed_key not in shown.content.decode() + page
    assert "rest_framework_api_key" not in admin.get("/admin/").content.decode()


@needs_key
def test_the_administration_changes_and_revokes_but_never_deletes(admin, ask):
    from api_service.keys.models import ApiKey

    key, text = make("train")
    admin.post(f"{URL}{key.pk}/change/", FORM | {"scopes": ["predict"], "rate": "5/minute"})
    key.refresh_from_db()
    assert (key.scopes, key.rate) == (["predict"], "5/minute")
    assert "N/second" in admin.post(f"{URL}{key.pk}/change/", FORM | {"rate": "often"}).content.decode()
    admin.post(URL, {"action": "delete_selected", "_selected_action": [key.pk], "post": "yes"})
    assert admin.post(f"{URL}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    admin.post(URL, {"action": "revoke", "_selected_action": [key.pk]})
    problem(ask("POST", "/api/v1/predictions", text), 401, "key_invalid")
    admin.post(f"{URL}{key.pk}/change/", FORM)
    assert ApiKey.objects.get().revoked


def test_under_gunicorn_keys_work_at_once_and_are_in_no_log(tmp_path, manage):
    home = {"HAR_HOME": str(tmp_path / "home"), "HAR_API_AUTH": "required", "WEB_CONCURRENCY": "2"}
    with api(tmp_path / "log", **home) as base, httpx.Client(base_url=base, timeout=30) as client:
        text = manage("create_key", "x", "--scope", "train", **home).strip()
        wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
        assert client.get("/healthz").status_code == 200
        problem(client.get("/api/v1/labels"), 401, "key_missing")
        for sent, status in ((text, 200), (wrong, 401)):
            header = {"Authorization": f"Bearer {sent}"}
            assert client.get("/api/v1/trainings", headers=header).status_code == status
        prefix, secret = text.split(".")
        manage("revoke_key", prefix, **home)
        problem(client.get("/api/v1/labels", headers={"Authorization": f"Bearer {text}"}), 401, "key_invalid")
    log = (tmp_path / "log").read_text()
    assert "trainings" in log
    assert secret[:-1] not in log
