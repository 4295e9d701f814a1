"""Clients that send too much, slowly or nothing, or do not read: told why, or closed, and the server stays small."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.unit.dashboard.asking import AT_MOST_S, Answer, closed, connect, exchange, status

MB = 1 << 20
#: Of memory that a server may gain while it is attacked: far below what is sent, above what 200 connections take.
SPARE = 64 * MB
PIECE = b"a" * (64 << 10)
LARGE_FILE = b"/_dash-component-suites/plotly/package_data/plotly.min.js"


class Served:
    """``sillage serve`` as a process of its own."""

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address, self.process = address, process

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def works(self) -> bool:
        """It answers as it did before."""
        return Answer(self.address, "/healthz", {}).status == 200 and Answer(self.address, "/", {}).status == 200


@contextmanager
def served(folder: Path, **settings: int) -> Iterator[Served]:
    code = (
        "from dashboard.server import serve; from lake.settings import get_settings;"
        f"serve(get_settings(lake={str(folder / 'lake')!r}, **{settings!r}), '127.0.0.1', 0,"
        " on_ready=lambda url: print(url, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        assert address, "the server did not start"
        yield Served(address.rstrip("/"), process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("patient")) as server:
        assert server.works()
        yield server


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that waits for its clients three seconds."""
    with served(tmp_path_factory.mktemp("hasty"), client_timeout_s=3) as server:
        assert server.works()
        yield server


def _head(path: bytes = b"/healthz", method: bytes = b"GET") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def _endless(begin: bytes, size: int) -> Iterator[bytes]:
    yield begin
    for _ in range(size // len(PIECE)):
        yield PIECE


@pytest.mark.parametrize(
    ("begin", "size", "said"),
    [
        (_head() + b"X: ", 400 * MB, 431),
        (b"GET /healthz?", 400 * MB, 414),
        (b"GET /healthz?", 40 * MB, 414),
        (b"", 40 * MB, 414),
        (_head() + b"X: a\r\n" * 2_000, 40 * MB, 431),
    ],
    ids=["a header", "an address", "a shorter address", "no line at all", "many headers"],
)
def test_a_head_without_end_is_cut_off(server: Served, begin: bytes, size: int, said: int) -> None:
    before = server.memory
    found, sent = exchange(server.address, _endless(begin, size))
    assert found in (said, None)  # the client that still sends may be cut off before it reads why
    assert sent < 40 * MB, "the server took it"
    assert server.memory - before < SPARE
    assert server.works()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (_head() + b"X: " + b"a" * 15_000 + b"\r\n\r\n", 200),
        (_head() + b"X: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (_head() + b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(2_000)) + b"\r\n", 431),
        (_head(b"/healthz?" + b"a" * 8_000) + b"\r\n", 200),
        (_head(b"/healthz?" + b"a" * 8_200) + b"\r\n", 414),
        (_head(b"/" + b"a" * 9_000) + b"\r\n", 414),
        (_head(b"/healthz?" + b"a" * 30_000) + b"\r\n", 414),
        (_head() + b"Content-Length: 104857600\r\n\r\n", 413),
        (_head(method=b"POST") + b"Content-Length: 1048577\r\n\r\n", 413),
        (_head(method=b"POST") + b"Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", 413),
        (_head() + b"Content-Length: " + b"9" * 20 + b"\r\n\r\n", 413),
        (_head() + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400),
        (_head() + b"Content-Length: -1\r\n\r\n", 400),
        (_head() + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (_head() + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (_head(method=b"POST") + b"Transfer-Encoding: chunked\r\n\r\nnothing\r\n", 400),
        (b"nothing\r\n\r\n", 400),
        (b"\r\n\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_a_head_is_answered_by_its_size(server: Served, head: bytes, said: int) -> None:
    found, _ = exchange(server.address, [head])
    assert found == said


def _post(framing: bytes) -> bytes:
    return _head(b"/_dash-update-component", b"POST") + b"Content-Type: application/json\r\n" + framing + b"\r\n\r\n"


def _chunks(size: int) -> Iterator[bytes]:
    yield _post(b"Transfer-Encoding: chunked")
    for _ in range(size // len(PIECE)):
        yield b"%x\r\n%s\r\n" % (len(PIECE), PIECE)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_body_is_413_and_not_taken(server: Served, framing: str) -> None:
    size = 100 * MB
    pieces = _endless(_post(b"Content-Length: %d" % size), size) if framing == "length" else _chunks(size)
    before = server.memory
    found, sent = exchange(server.address, pieces)
    assert found in (413, None)
    assert sent < 40 * MB, "the server took it"
    assert server.memory - before < SPARE
    assert server.works()


def test_a_body_in_chunks_is_413_just_past_the_limit(server: Served) -> None:
    found, _ = exchange(server.address, [*_chunks(MB), b"1\r\na\r\n"])
    assert found == 413
    found, _ = exchange(server.address, [*_chunks(MB), b"0\r\n\r\n"])
    assert found == 400  # read, and no JSON


def test_a_body_that_nobody_reads_is_not_taken(server: Served) -> None:
    def pieces() -> Iterator[bytes]:
        yield _head() + b"Transfer-Encoding: chunked\r\n\r\n"
        for _ in range(100 * MB // len(PIECE)):
            yield b"%x\r\n%s\r\n" % (len(PIECE), PIECE)

    found, sent = exchange(server.address, pieces())
    assert found in (200, None)
    assert sent < 40 * MB


def test_clients_that_send_nothing_or_not_all_are_closed(hasty: Served) -> None:
    begun = {
        "nothing": b"",
        "part of a head": _head() + b"X: a",
        "part of a body": _post(b"Content-Length: 1000") + b"{",
        "part of a chunk": _post(b"Transfer-Encoding: chunked") + b"a\r\n{",
        "one request": _head() + b"\r\n",
        "one request and a part": _head() + b"\r\n" + _head(),
        "a body that nobody reads": _head() + b"Content-Length: 1000\r\n\r\na",
    }
    before = hasty.memory
    with ExitStack() as stack:
        clients = []
        for head in begun.values():
            for _ in range(30):
                client = stack.enter_context(connect(hasty.address))
                client.sendall(head)
                clients.append(client)
        assert all(closed(client) for client in clients)
    assert hasty.memory - before < SPARE
    assert hasty.works()


def test_two_hundred_slow_heads_and_bodies_are_closed(hasty: Served) -> None:
    with ExitStack() as stack:
        clients = {stack.enter_context(connect(hasty.address)) for _ in range(200)}
        for number, client in enumerate(sorted(clients, key=lambda client: client.fileno())):
            client.sendall(_head() if number % 2 else _post(b"Content-Length: 1000000"))
        assert hasty.works()
        over = time.monotonic() + AT_MOST_S
        while clients and time.monotonic() < over:  # a byte each, again and again
            for client in tuple(clients):
                try:
                    client.sendall(b"a")
                except OSError:
                    clients.discard(client)
            time.sleep(0.1)
        assert not clients, "slow clients are kept"
    assert hasty.works()


def test_a_slow_request_is_told_why(hasty: Served) -> None:
    for begin in (_head() + b"X: a", _post(b"Content-Length: 1000") + b"{"):
        with connect(hasty.address) as client:
            client.sendall(begin)
            assert status(client) == 408


def _reader(address: str, header: bytes = b"", buffer: int = 4096) -> socket.socket:
    """Asks for the largest file and reads nothing of it yet; the system holds so many bytes for it."""
    parts = urlsplit(address)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(AT_MOST_S)
    client.connect((parts.hostname, parts.port))
    client.sendall(_head(LARGE_FILE) + header + b"\r\n")
    return client


def test_clients_that_do_not_read_are_closed(hasty: Served) -> None:
    whole = len(Answer(hasty.address, LARGE_FILE.decode(), {}).content)
    pid = psutil.Process(hasty.process.pid)
    with ExitStack() as stack:
        clients = [stack.enter_context(_reader(hasty.address)) for _ in range(20)]
        over = time.monotonic() + AT_MOST_S
        ports = {client.getsockname()[1] for client in clients}
        while time.monotonic() < over:
            held = {c.raddr.port for c in pid.net_connections("tcp") if c.raddr and c.status == "ESTABLISHED"}
            if not held & ports:
                break
            time.sleep(0.1)
        else:
            pytest.fail("clients that do not read are kept")
        got = sum(len(_rest(client)) for client in clients)
    assert got < 20 * whole, "they were closed before they had all"
    assert hasty.works()


def _rest(client: socket.socket) -> bytes:
    held = bytearray()
    try:
        while got := client.recv(1 << 16):
            held += got
    except ConnectionError:
        pass
    return bytes(held)


def test_a_slow_reader_gets_all_of_it(tmp_path: Path) -> None:
    """The time is for each part of an answer: the whole may take longer than the server waits for one."""
    with served(tmp_path, client_timeout_s=6) as server:
        whole = Answer(server.address, LARGE_FILE.decode(), {}).content
        with _reader(server.address, b"Connection: close\r\n", 256 << 10) as client:
            held, began = bytearray(), time.monotonic()
            while got := client.recv(8 << 10):
                held += got
                if time.monotonic() - began < 15:
                    time.sleep(0.05)
        assert held.partition(b"\r\n\r\n")[2] == whole


def test_one_client_has_so_many_connections_and_no_more(tmp_path: Path) -> None:
    with served(tmp_path, connections_per_client=8) as server, ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(connect(server.address))
            client.sendall(_head() + b"\r\n")
            assert status(client) == 200
        with connect(server.address) as more:
            assert status(more) == 503
        stack.close()
        wait_until_works(server)


def wait_until_works(server: Served) -> None:
    over = time.monotonic() + AT_MOST_S
    while time.monotonic() < over:
        with connect(server.address) as client:
            client.sendall(_head() + b"\r\n")
            if status(client) == 200:
                return
        time.sleep(0.05)
    pytest.fail("connections that were closed still count")
