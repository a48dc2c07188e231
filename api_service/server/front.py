"""What stands between the network and Django: requests are taken in whole, and only then does a thread work on them.

Django's views are synchronous. A server that lets their threads read from clients can be stopped by a few slow ones;
here an event loop waits for clients, and threads wait for nobody.
"""

import asyncio
import logging
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple

from a2wsgi.wsgi import build_environ

from api_service.config import settings
from api_service.server import refusals
from api_service.server.refusals import Refused

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PLENTY = 64_000_000
"""Bytes of a body above which the server wants to know first who sends it."""

_THREADS = 8
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# What takes minutes by its nature.
_SLOW = frozenset({"/api/v1/promotions", "/api/v1/rollbacks", "/api/v1/jobs"})
_SLOW_SECONDS = 900.0
_IN_MEMORY = 1_000_000
_CHUNK = 262_144
# A body that arrives more slowly is given up, as Apache's mod_reqtimeout does with its MinRate.
_BYTES_A_SECOND = 10_000


class _Gone(Exception):
    """The client has left."""


class _Head(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]


class Front:
    """An ASGI application around Django's WSGI application.

    Attributes:
        is_stuck: Whether a thread works on a request that was given up, so that this process should end.
    """

    def __init__(
        self,
        application: Callable[..., Any],
        folder: Path,
        most_bytes: Callable[[str], int],
        may_send_much: Callable[[str], bool],
    ) -> None:
        """Starts no thread yet.

        Args:
            application: The WSGI application.
            folder: Where larger bodies lie until they are answered, in files without a name.
            most_bytes: The largest body that a path takes.
            may_send_much: Whether a body of more than ``PLENTY`` bytes is taken in, by the header "Authorization".
        """
        self.is_stuck = False
        self._application = application
        self._folder = folder
        self._most_bytes = most_bytes
        self._may_send_much = may_send_much
        self._threads = ThreadPoolExecutor(_THREADS, "request")
        self._probes = ThreadPoolExecutor(1, "probe")
        self._disk = ThreadPoolExecutor(2, "upload")
        self._under_way = 0
        self._incoming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        # "X_Key" and "X-Key" would become one variable, and a proxy that removes one may let the other pass.
        scope["headers"] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder)) as body:
            try:
                self._check_load(scope["path"])
                length = await self._read(scope, receive, body)
                environ = _environ(scope, body, length)
                head, content, rest = await self._answer(scope["path"], environ)
            except _Gone:
                return
            except Refused as refused:
                # It takes the way of all answers, so it is logged, counted and formed like them; nothing there waits.
                environ = refusals.environ(_environ(scope, body, 0), refused)
                head, content, rest = self._respond(environ)
        await self._send(head, content, rest, send)

    async def _read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> int:
        """Takes the body in.

        Returns:
            Its length in bytes.
        """
        most = self._most_bytes(scope["path"])
        headers = dict(scope["headers"])
        # A body in chunks does not tell its length beforehand.
        announced = most if b"transfer-encoding" in headers else int(headers.get(b"content-length", 0))
        if announced > most:
            raise refusals.too_large(most)
        if announced > PLENTY and not await self._is_trusted(headers):
            return 0  # The view says what is wrong, and needs no body for it.
        if self._incoming + announced > settings().max_incoming_bytes:
            raise refusals.overloaded()
        self._incoming += announced
        try:
            async with asyncio.timeout(settings().arrival_seconds) as patience:
                return await self._read_within(patience, receive, body, most)
        except TimeoutError:
            raise refusals.too_slow() from None
        finally:
            self._incoming -= announced

    async def _is_trusted(self, headers: dict[bytes, bytes]) -> bool:
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._may_send_much, authorization)

    async def _read_within(self, patience: asyncio.Timeout, receive: Receive, body: IO[bytes], most: int) -> int:
        length, started = 0, patience.when() or 0.0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            chunk = message["body"]
            length += len(chunk)
            if length > most:
                raise refusals.too_large(most)
            if length > _IN_MEMORY:
                await asyncio.get_running_loop().run_in_executor(self._disk, body.write, chunk)
            else:
                body.write(chunk)
            if not message["more_body"]:
                body.seek(0)
                return length
            patience.reschedule(started + length / _BYTES_A_SECOND)

    def _check_load(self, path: str) -> None:
        if self._under_way >= settings().max_concurrent and path not in _PROBES:
            raise refusals.overloaded()

    async def _answer(self, path: str, environ: dict[str, Any]) -> tuple[_Head, bytes, Iterator[bytes] | None]:
        self._check_load(path)
        loop = asyncio.get_running_loop()
        pool = self._probes if path in _PROBES else self._threads
        self._under_way += 1
        work = loop.run_in_executor(pool, self._respond, environ)
        work.add_done_callback(self._done)
        seconds = _SLOW_SECONDS if path in _SLOW else settings().answer_seconds
        try:
            return await asyncio.wait_for(asyncio.shield(work), seconds)
        except TimeoutError:
            self._give_up(path)
            raise refusals.took_too_long() from None

    def _done(self, _: object) -> None:
        self._under_way -= 1

    def _give_up(self, path: str) -> None:
        """Has this process replaced: a thread cannot be stopped, and would be missing from now on."""
        log.critical("%s took too long; this worker ends, and another one takes its place", path)
        if not self.is_stuck:
            self.is_stuck = True
            os.kill(os.getpid(), signal.SIGTERM)

    def _respond(self, environ: dict[str, Any]) -> tuple[_Head, bytes, Iterator[bytes] | None]:
        """Runs Django; gives the answer's head, its content, and what is to follow of a long one."""
        heads: list[_Head] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            del exc_info
            encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            heads.append(_Head(int(status[:3]), encoded))

        chunks = _gathered(self._application(environ, start_response))
        content = next(chunks, b"")
        return heads[0], content, chunks if len(content) >= _CHUNK else None

    async def _send(self, head: _Head, content: bytes, rest: Iterator[bytes] | None, send: Send) -> None:
        loop = asyncio.get_running_loop()
        await send({"type": "http.response.start", "status": head.status, "headers": head.headers})
        while rest is not None and content:
            try:
                async with asyncio.timeout(settings().answer_seconds):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
            except TimeoutError:
                return  # A client that does not read; the server cuts off who gets no end of an answer.
            content = await loop.run_in_executor(self._threads, next, rest, b"")
        await send({"type": "http.response.body", "body": content})


def _gathered(response: Any) -> Iterator[bytes]:
    """An answer's content in pieces of ``_CHUNK`` bytes or more; the last is shorter, and may be empty."""
    found = bytearray()
    try:
        for chunk in response:
            found += chunk
            if len(found) >= _CHUNK:
                yield bytes(found)
                found.clear()
    finally:
        response.close()
    yield bytes(found)


def _environ(scope: Scope, body: IO[bytes], length: int) -> dict[str, Any]:
    environ: dict[str, Any] = dict(build_environ(scope, body))  # type: ignore[arg-type]  # a file will do
    environ["CONTENT_LENGTH"] = str(length)
    # Read by now, whichever way it came.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["har.received"] = time.perf_counter()
    return environ
