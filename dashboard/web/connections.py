"""A connection to the web server from its first byte: how much may arrive, within what time, and how many there may be.

uvicorn's parser by h11 bounds a head that is not complete, its faster one by httptools does not. What uvicorn leaves
open is closed here: a client that sends nothing, or slowly, one that does not read its answer, and one that opens
connections without end.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dashboard.web.limits import ADDRESS_BYTES, BODY_BYTES, HEAD_BYTES, PIECE_BYTES, REFUSALS
from lake.settings import Settings


def server_config(app: Any, settings: Settings, **options: Any) -> uvicorn.Config:
    """How uvicorn serves the dashboard: with all limits.

    Args:
        app: the ASGI application.
        settings: the limits that can be set.
        options: more of ``uvicorn.Config``.
    """
    limited = partial(Connection, patience_s=settings.client_timeout_s, at_most=settings.connections_per_client)
    return uvicorn.Config(
        app,
        http=limited,  # type: ignore[arg-type]  # it is only called
        ws="none",  # no page uses a socket
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=settings.client_timeout_s,
        access_log=False,
        server_header=False,
        lifespan="on",
        **options,
    )


class Connection(H11Protocol):
    """uvicorn's connection, and what it expects of its client.

    A request has to be complete within ``patience_s`` of its first byte, and that has to come within as many seconds
    of connecting. Of an answer, what has been written has to be taken within as many, some 64 kB at a time: the
    application waits meanwhile. Time in which the server works is not counted.

    Args:
        patience_s: seconds that a client is waited for.
        at_most: connections of one client at once.
        given: what uvicorn tells its connections.
    """

    _request_due: asyncio.TimerHandle | None = None
    _answer_due: asyncio.TimerHandle | None = None
    _surplus = 0

    def __init__(self, *, patience_s: float, at_most: int, **given: Any) -> None:
        super().__init__(**given)
        self.patience_s, self.at_most = patience_s, at_most

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _keep_little_unsent(transport.get_extra_info("socket"))
        self._await_request()
        if self.client is not None and self._of_this_client() > self.at_most:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"A client may have {self.at_most} connections at once.")

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._request_due)
        _cancel(self._answer_due)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self._await_request()
        unread = self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete
        self._surplus = self._surplus + len(data) if unread else 0
        if self._surplus > BODY_BYTES:
            self.transport.abort()
            return
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            _cancel(self._request_due)

    def send_400_response(self, msg: str) -> None:
        held = self.conn.trailing_data[0]
        if len(held) <= HEAD_BYTES:
            self._refuse(HTTPStatus.BAD_REQUEST, msg)
            return
        within = b"\n" in held[:ADDRESS_BYTES]
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if within else HTTPStatus.REQUEST_URI_TOO_LONG
        self._refuse(status, REFUSALS[status])

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            _cancel(self._answer_due)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._await_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._await_reader()

    def _of_this_client(self) -> int:
        clients = (getattr(other, "client", None) for other in self.connections)
        return sum(1 for client in clients if client and self.client and client[0] == self.client[0])

    def _await_request(self) -> None:
        _cancel(self._request_due)
        self._request_due = self.loop.call_later(self.patience_s, self._request_overdue)

    def _request_overdue(self) -> None:
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.transport.close()
            self._await_reader()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time.")

    def _await_reader(self) -> None:
        _cancel(self._answer_due)
        self._answer_due = self.loop.call_later(self.patience_s, self.transport.abort)

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Say why, if nothing has been said yet, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = text.encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._await_reader()


def _keep_little_unsent(connected: socket.socket) -> None:
    """Have the system take no more of an answer than it can soon send; else it takes megabytes for a client that does
    not read, and says only after a third of them that there is room again."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux and macOS
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, PIECE_BYTES)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
