"""What stands between the network and Django, with an application of our own behind it."""

import asyncio
import threading

import pytest

from api_service import config
from api_service.server import front, refusals
from api_service.server.front import Front


@pytest.fixture
def limits(monkeypatch):
    """Sets limits of the API for one test."""

    def use(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"HAR_API_{name.upper()}", str(value))
        config.settings.cache_clear()

    yield use
    config.settings.cache_clear()


class Response(list):
    """What an application returns: pieces of content, closed by the server."""

    closed = False

    def close(self):
        self.closed = True


def echo(environ, start_response):
    """Answers with the body that it got, or with the code of a refusal."""
    refused = refusals.found(environ)
    status = refused.status if refused else 200
    start_response(f"{int(status)} X", [("X-Length", environ["CONTENT_LENGTH"])])
    return Response([refused.code.encode() if refused else environ["wsgi.input"].read()])


def ask(application, *messages, path="/x", headers=(), tmp_path=None, wait=0.0, trusted=("Bearer good",)):
    """Sends a request to a front, waiting before each piece but the first; gives status and content."""
    sent = []

    async def call():
        found = Front(
            application, tmp_path, lambda _: 100_000_000 if path == "/much" else 3_000_000, trusted.__contains__
        )
        left = list(messages)

        async def receive():
            if not left:
                await asyncio.sleep(3600)
            if len(left) < len(messages):
                await asyncio.sleep(wait)
            return left.pop(0)

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "http_version": "1.1",
            "headers": list(headers),
        }
        await found(scope, receive, send)
        return found

    found = asyncio.run(call())
    if not sent:
        return None, b"", found
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:]), found


def body(content, more=False):
    return {"type": "http.request", "body": content, "more_body": more}


@pytest.mark.parametrize("size", [0, 1, 999_999, 1_000_001, 2_999_999])
def test_a_body_arrives_whole_whatever_its_size(tmp_path, size):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    pieces = [body(content[at : at + 65536], more=True) for at in range(0, size, 65536)]
    assert ask(echo, *pieces, body(b""), tmp_path=tmp_path)[:2] == (200, content)
    assert not list(tmp_path.iterdir())


def test_a_body_over_the_limit_is_refused_by_its_announced_length_and_by_its_real_one(tmp_path):
    announced = ask(echo, headers=[(b"content-length", b"3000001")], tmp_path=tmp_path)
    real = ask(
        echo, *[body(bytes(65536), more=True)] * 50, headers=[(b"transfer-encoding", b"chunked")], tmp_path=tmp_path
    )
    assert announced[:2] == real[:2] == (413, b"request_too_large")


def test_a_body_of_many_megabytes_is_taken_from_those_alone_who_have_a_key(tmp_path):
    length, piece = (b"content-length", b"64000001"), body(b"hello")
    known = ask(echo, piece, path="/much", headers=[length, (b"authorization", b"Bearer good")], tmp_path=tmp_path)
    unknown = ask(echo, piece, path="/much", headers=[length, (b"authorization", b"Bearer bad")], tmp_path=tmp_path)
    assert known[:2] == (200, b"hello")
    assert unknown[:2] == (200, b"")  # The application is asked, to say what is wrong, but gets no body.


def test_a_stalled_body_is_given_up(tmp_path, limits):
    limits(arrival_seconds=0.2)
    assert ask(echo, body(b"x", more=True), tmp_path=tmp_path)[:2] == (408, b"request_timeout")


def test_a_long_body_gets_more_time(tmp_path, limits):
    limits(arrival_seconds=0.2)
    pieces = [body(bytes(20_000), more=True)] * 8
    assert ask(echo, *pieces, body(b""), tmp_path=tmp_path, wait=0.05)[0] == 200


def test_a_client_that_leaves_gets_nothing(tmp_path):
    assert ask(echo, body(b"x", more=True), {"type": "http.disconnect"}, tmp_path=tmp_path)[0] is None


def test_a_long_answer_comes_in_pieces_and_is_closed(tmp_path):
    made = []

    def long(_, start_response):
        start_response("200 OK", [])
        made.append(Response([b"x" * 100_000] * 20))
        return made[0]

    assert ask(long, body(b""), tmp_path=tmp_path)[:2] == (200, b"x" * 2_000_000)
    assert made[0].closed


def test_an_answer_that_takes_too_long_is_given_up_and_the_process_with_it(tmp_path, limits, monkeypatch):
    limits(answer_seconds=0.2)
    killed, wake = [], threading.Event()
    monkeypatch.setattr(front.os, "kill", lambda *args: killed.append(args))

    def stuck(environ, start_response):
        if not refusals.found(environ):
            wake.wait(60)
        return echo(environ, start_response)

    status, content, found = ask(stuck, body(b""), tmp_path=tmp_path)
    wake.set()
    assert (status, content) == (503, b"answer_timeout")
    assert killed
    assert found.is_stuck


def test_headers_that_a_proxy_would_not_know_are_dropped(tmp_path):
    def names(environ, start_response):
        start_response("200 OK", [])
        return Response([environ.get("HTTP_X_FORWARDED_FOR", "none").encode()])

    assert ask(names, body(b""), headers=[(b"x_forwarded_for", b"1.2.3.4")], tmp_path=tmp_path)[1] == b"none"
