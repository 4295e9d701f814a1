"""Runs the dashboard on uvicorn, in one process or in several, until it is told to stop."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from dashboard.app import create_app
from dashboard.web.connections import server_config
from lake.errors import SettingsError, SillageError
from lake.settings import Settings

GRACE_S = 5
#: A process that says nothing for so long is replaced.
_SILENT_S = 60


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
    workers: int = 1,
    on_ready: Callable[[str], None] | None = None,
    log_level: str = "warning",
) -> None:
    """Serve the dashboard until SIGINT or SIGTERM; requests under way get five seconds to end.

    Several processes share one socket, each with its own sight of the snapshot; one that dies is replaced.

    Args:
        settings: where the lake is; also the defaults of ``host`` and ``port``.
        host: a loopback address.
        port: 0 takes any free port.
        workers: processes that answer; one is this process.
        on_ready: called with the address once the socket listens.
        log_level: of uvicorn.

    Raises:
        SettingsError: the host can be reached from other machines: there is no sign-in.
        SillageError: the port is taken, or the processes do not start.
    """
    host, port = host or settings.host, settings.port if port is None else port
    if not is_loopback(host):
        raise SettingsError(
            "The dashboard does not listen beyond this machine",
            found=f"host {host}",
            expected="a loopback address (127.0.0.1, ::1 or localhost): there is no sign-in",
            action="leave out --host; for others put a reverse proxy with sign-in before it",
        )
    how = {"log_level": log_level, "timeout_graceful_shutdown": GRACE_S, "timeout_worker_healthcheck": _SILENT_S}
    if workers > 1:
        app = partial(_application, settings, os.getpid())
        config = server_config(app, settings, factory=True, workers=workers, **how)
    else:
        config = server_config(create_app(settings).server, settings, **how)
    listener = _listen(host, port)
    address, bound = listener.getsockname()[:2]
    if on_ready is not None:
        on_ready(f"http://[{address}]:{bound}/" if ":" in address else f"http://{address}:{bound}/")
    with listener:
        if workers == 1:
            uvicorn.Server(config).run(sockets=[listener])
            return
        supervisor = Multiprocess(config, [listener])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SillageError("The dashboard did not start", action="see what it said above, or try it with --workers 1")


def _application(settings: Settings, supervisor: int) -> Any:
    """The application of one of several processes, which ends when its supervisor is gone."""

    def watch() -> None:
        while os.getppid() == supervisor:
            time.sleep(1)
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    return create_app(settings).server


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
