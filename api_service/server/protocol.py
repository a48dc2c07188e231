"""uvicorn's parser of HTTP, with bounds that it lacks."""

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api_service.config import settings
from api_service.http import ids

_HEAD_BYTES = 65_536
# A request that was sent before its client could know that this server ends is here by then.
_LINGER_SECONDS = 1.0


class Protocol(HttpToolsProtocol):
    """Bounds how large a request's head may be, how long it may take, and how long a refused body goes on.

    When the server ends, requests that are on their way are answered, too: uvicorn would close connections on which
    none has arrived yet.
    """

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_whole = True
    _is_between = True
    _is_last = False
    _closes_after_request = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Gives the first head its time."""
        super().connection_made(transport)
        self._give_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leaves no timer behind."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Passes the bytes on, unless a head has no end."""
        super().data_received(data)
        if self._timer is not None and self._is_whole:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")

    def on_message_begin(self) -> None:
        """Gives a further head on the same connection its time."""
        super().on_message_begin()
        self._is_between = False
        if self._timer is None:
            self._give_time()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_timer()
        self._head_bytes, self._is_whole = 0, False
        super().on_headers_complete()
        self.cycle.keep_alive = self.cycle.keep_alive and not self._is_last
        self.cycle.transport = _Patient(self)

    def on_message_complete(self) -> None:
        """The body is there, too."""
        self._is_whole = self._is_between = True
        self._stop_timer()
        super().on_message_complete()
        if self._closes_after_request:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Bounds what is left of a body that was answered before its end: it is taken in and thrown away.

        Whoever sends it would not get to read the answer otherwise.
        """
        super().on_response_complete()
        if not self._is_whole and not self.transport.is_closing():
            self._give_time()

    def close_after_request(self) -> None:
        """Closes the connection once the request has been read.

        Else what is left of it would have the system reset the connection, and a proxy lose the answer.
        """
        self._closes_after_request = True
        if self._is_whole:
            self.transport.close()

    def shutdown(self) -> None:
        """Ends the connection with the answer to the request at hand, or to one that may be on its way."""
        self._is_last = True
        if self._is_busy():
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(_LINGER_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self._is_between and not self._is_busy():
            self.transport.close()

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets an error of the API's own form."""
        self._refuse(HTTPStatus.BAD_REQUEST, "malformed_request", msg)

    def _refuse(self, status: HTTPStatus, code: str, detail: str = "The request's headers are too large.") -> None:
        """Answers by itself, as the front cannot be asked without a request."""
        from api_service.metrics import meters  # noqa: PLC0415 - counted only after the fork

        meters.refused(code)
        identity = ids.take_or_make(None)
        body = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": detail,
            "request_id": identity,
        }
        content = json.dumps(body).encode()
        head = (
            f"content-type: application/problem+json\r\ncontent-length: {len(content)}\r\nconnection: close\r\n"
            f"{ids.HEADER}: {identity}\r\n\r\n"
        )
        self._stop_timer()
        self.transport.write(STATUS_LINE[status.value] + head.encode() + content)
        self.transport.close()

    def _give_time(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(settings().arrival_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Patient(asyncio.Transport):
    """What an answer is written to: a transport whose end waits for the end of the request."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__()
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.close_after_request()
