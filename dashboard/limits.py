"""How large a request may be: its headers, its address and its body, checked before anything else sees it.

``dashboard.connections`` holds the same limits where bytes arrive; here is what ASGI can see: a whole head, and a body
while it streams.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from dashboard.web import App, Receive, Scope, Send

#: The request line and all headers together.
HEAD_BYTES = 16 << 10
#: Path and query. A link with 300 filter values has 6 kB.
ADDRESS_BYTES = 8 << 10
#: What a page sends to have its figures worked out has 2 kB.
BODY_BYTES = 1 << 20
#: An answer is handed on in pieces of this size, so that a client that does not read holds no more of it than one.
PIECE_BYTES = 64 << 10

REFUSALS = {
    HTTPStatus.REQUEST_URI_TOO_LONG: f"The address is longer than {ADDRESS_BYTES:,} bytes.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"The headers are larger than {HEAD_BYTES:,} bytes.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body is larger than {BODY_BYTES:,} bytes.",
}


class RequestLimits:
    """Refuses a request that is too large (414, 431, 413) and closes its connection; the outermost middleware."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if (status := _too_large(scope)) is not None:
            await _refuse(status, scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception:
            if not exchange.exceeded:
                raise
        if exchange.exceeded and not exchange.started:
            await _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, scope, receive, send)


class _Exchange:
    """One request and its answer: counts the body as it comes, and cuts the answer into pieces.

    Past the limit the application is told that the client has gone, and what it says to that goes nowhere.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._body = 0
        self.exceeded = self.started = False

    async def receive(self) -> MutableMapping[str, Any]:
        if self.exceeded:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._body += len(message.get("body", b""))
        if self._body > BODY_BYTES:
            self.exceeded = True
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if self.exceeded and not self.started:
            return
        self.started = True
        body = message.get("body", b"")
        if len(body) <= PIECE_BYTES:
            await self._send(message)
            return
        for begin in range(0, len(body), PIECE_BYTES):
            more = message.get("more_body", False) or begin + PIECE_BYTES < len(body)
            await self._send({**message, "body": body[begin : begin + PIECE_BYTES], "more_body": more})


def _too_large(scope: Scope) -> HTTPStatus | None:
    """The status of a request whose head alone says that it is too large."""
    address = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if address > ADDRESS_BYTES:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    if address + sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    declared = Headers(scope=scope).get("content-length", "0")
    if declared.isdecimal() and int(declared) > BODY_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return None


async def _refuse(status: HTTPStatus, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(REFUSALS[status], status, {"Connection": "close"})(scope, receive, send)
