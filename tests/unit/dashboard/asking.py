"""Asking a server that runs on this machine, byte for byte where it matters."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

#: No answer of a server that works takes this long, however busy the machine is; a test that waits for it has failed.
AT_MOST_S = 240


class Answer:
    """One answer of the server, as it came over the wire."""

    def __init__(
        self, address: str, path: str, headers: dict[str, str], method: str = "GET", body: bytes | None = None
    ) -> None:
        connection = HTTPConnection(urlsplit(address).netloc, timeout=AT_MOST_S)
        connection.request(method, path, headers=headers, body=body)
        answer = connection.getresponse()
        self.status, self.headers, self.content = answer.status, answer.headers, answer.read()
        connection.close()


def connect(address: str) -> socket.socket:
    """A connection on which nothing has been sent."""
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=AT_MOST_S)


def exchange(address: str, pieces: Any) -> tuple[int | None, int]:
    """Send pieces of bytes until they end or the server closes, and read what it says.

    Returns:
        The status, ``None`` if the connection was closed without one, and how many bytes were sent.
    """
    sent = 0
    with connect(address) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        return status(client), sent


def status(client: socket.socket) -> int | None:
    """The status that the server answers with; ``None`` if it closes the connection without one."""
    held = b""
    try:
        while b"\r\n" not in held:
            got = client.recv(4096)
            if not got:
                break
            held += got
    except ConnectionError:
        pass
    return int(held.split(b" ")[1]) if held.startswith(b"HTTP/") else None


def closed(client: socket.socket) -> bool:
    """Wait until the server has closed the connection; whatever it sends before is left aside."""
    try:
        while client.recv(1 << 20):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def callback(address: str, starts: str, values: dict[str, Any]) -> dict[str, Any]:
    """What the page sends to have a callback worked out.

    Args:
        address: of the server.
        starts: what the outputs of the callback hold.
        values: by ``id.property``; ``None`` for those left out.
    """
    known = json.loads(Answer(address, "/_dash-dependencies", {}).content)
    found = next(c for c in known if starts in c["output"] and not c["clientside_function"])
    outputs = [part.rpartition(".") for part in found["output"].strip(".").split("...")]

    def given(places: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [{**place, "value": values.get(f"{place['id']}.{place['property']}")} for place in places]

    inputs = given(found["inputs"])
    return {
        "output": found["output"],
        "outputs": [{"id": name, "property": prop} for name, _, prop in outputs],
        "inputs": inputs,
        "state": given(found["state"]),
        "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
        "parsedChangedPropsIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
    }


def post(address: str, body: bytes) -> Answer:
    """Send the body of a callback."""
    headers = {"Content-Type": "application/json", "Origin": address}
    return Answer(address, "/_dash-update-component", headers, "POST", body)
