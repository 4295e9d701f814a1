"""Runs the dashboard on uvicorn until it is told to stop."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import uvicorn

from dashboard.app import create_app
from dashboard.connections import server_config
from lake.errors import SettingsError, SillageError
from lake.settings import Settings

GRACE_S = 5


def is_loopback(host: str) -> bool:
    """Only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def serve(
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    *,
    on_ready: Callable[[str], None] | None = None,
    log_level: str = "warning",
) -> None:
    """Serve the dashboard until SIGINT or SIGTERM; requests under way get five seconds to end.

    Args:
        settings: where the lake is; also the defaults of ``host`` and ``port``.
        host: a loopback address.
        port: 0 takes any free port.
        on_ready: called with the address once the socket listens.
        log_level: of uvicorn.

    Raises:
        SettingsError: the host can be reached from other machines: there is no sign-in.
        SillageError: the port is taken.
    """
    host, port = host or settings.host, settings.port if port is None else port
    if not is_loopback(host):
        raise SettingsError(
            "The dashboard does not listen beyond this machine",
            found=f"host {host}",
            expected="a loopback address (127.0.0.1, ::1 or localhost): there is no sign-in",
            action="leave out --host; for others put a reverse proxy with sign-in before it",
        )
    app = create_app(settings)
    listener = _listen(host, port)
    address, bound = listener.getsockname()[:2]
    config = server_config(app.server, settings, log_level=log_level, timeout_graceful_shutdown=GRACE_S)
    if on_ready is not None:
        on_ready(f"http://[{address}]:{bound}/" if ":" in address else f"http://{address}:{bound}/")
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except OSError as error:
        listener.close()
        raise SillageError(
            "The dashboard cannot listen there",
            found=f"{host}:{port}: {error.strerror}",
            expected="a free port",
            action="stop what uses it, or choose another with --port",
        ) from None
    listener.listen(128)
    return listener
