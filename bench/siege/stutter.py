"""A storage account that stutters: an HTTP proxy before a real one, which fails a share of the requests, by a seed."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

#: What becomes of a request that is hit, each as often as another.
FAULTS = ("500", "503", "reset before", "reset after", "delay", "cut in half")
#: Of one connection to the next, and not handed on.
_HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection"}
_ERROR = b'<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code><Message>Try again.</Message></Error>'


class StutteringStorage(ThreadingHTTPServer):
    """The proxy, on a free port of the loopback address. A context: on leaving it, it is closed.

    Args:
        connection_string: of the account behind it.
        share: of the requests that are hit.
        seed: decides which, in the order of their arrival.
        delay_s: how long a delayed answer waits.

    Attributes:
        connection_string: the same account, through the proxy.
        share: may be changed at any time.
        counts: requests so far by what became of them; ``passed`` for those that were left alone.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, connection_string: str, *, share: float, seed: int, delay_s: float = 2.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        endpoint = connection_string.partition("BlobEndpoint=")[2].partition(";")[0]
        self.behind = urlsplit(endpoint)
        self.connection_string = connection_string.replace(
            endpoint, endpoint.replace(self.behind.netloc, f"127.0.0.1:{self.server_port}")
        )
        self.share, self.delay_s = share, delay_s
        self.counts: Counter[str] = Counter()
        self._moments = random.Random(seed)
        self._lock = threading.Lock()

    def __enter__(self) -> StutteringStorage:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.shutdown()
        self.server_close()

    def next_fault(self) -> str:
        """What becomes of the next request."""
        with self._lock:
            fault = self._moments.choice(FAULTS) if self._moments.random() < self.share else "passed"
            self.counts[fault] += 1
        return fault

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: StutteringStorage
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._behind: HTTPConnection | None = None

    def finish(self) -> None:
        if self._behind:
            self._behind.close()
        with suppress(OSError):
            super().finish()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = self.server.next_fault()
        if fault == "reset before":
            self._reset()
        elif fault in ("500", "503"):
            self.send_response(int(fault))
            self.send_header("content-type", "application/xml")
            self.send_header("content-length", str(len(_ERROR)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(_ERROR)
        else:
            if fault == "delay":
                time.sleep(self.server.delay_s)
            answer, content = self._ask(body)
            if fault == "reset after":
                self._reset()
            else:
                self._answer(answer, content, cut=fault == "cut in half")

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass_on  # noqa: N815 - the names that the library calls

    def _ask(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        """The answer of the storage behind; over another connection where it has closed the last one."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        for fresh in (self._behind is None, True):
            if fresh:
                self._behind = HTTPConnection(self.server.behind.hostname or "", self.server.behind.port)
            assert self._behind is not None
            try:
                self._behind.request(self.command, self.path, body, headers)
                answer = self._behind.getresponse()
                return answer, answer.read()
            except (OSError, HTTPException):
                if fresh:
                    raise
        raise AssertionError("unreachable")

    def _answer(self, answer: HTTPResponse, content: bytes, *, cut: bool) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP | {"content-length"}:
                self.send_header(name, value)
        # Of a HEAD, the length is that of the content it speaks of.
        length = answer.getheader("content-length") if self.command == "HEAD" else None
        self.send_header("content-length", length or str(len(content)))
        self.end_headers()
        if cut:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self._reset()
        else:
            self.wfile.write(content)

    def _reset(self) -> None:
        """Close the connection as a host does that has lost it."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is counted is in ``counts``."""
