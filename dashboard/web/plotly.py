"""Plotly for the browser: the part of it that the pages draw with, a third of the whole, where it has been fetched.

``make setup`` fetches it with npm where there is npm; without it the whole that comes with the package is sent.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs_version
from starlette.responses import Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH = "/_dash-component-suites/plotly/package_data/plotly.min.js"
FILE = (
    Path(__file__).parents[1] / "plotly" / "node_modules" / "plotly.js-cartesian-dist-min" / "plotly-cartesian.min.js"
)
#: Of the file in the version that dashboard/plotly/package.json names. Any other is not sent to anybody.
_SHA256 = "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a"
_VERSION = "4.1.1"
log = logging.getLogger("sillage.dashboard")


def partial_bundle(file: Path = FILE, version: str | None = None) -> bytes | None:
    """The partial bundle; ``None`` where it is not there, is another file, or is not of the version of the whole.

    Args:
        file: where it is.
        version: of the whole, that of the installed package unless given.
    """
    if not file.exists():
        return None
    body = file.read_bytes()
    whole = version or get_plotlyjs_version()
    if hashlib.sha256(body).hexdigest() != _SHA256 or whole != _VERSION:
        log.warning("%s is not the part of Plotly %s that is known; the whole is sent", file, whole)
        return None
    return body


class PartialPlotly:
    """Answers with the partial bundle where Dash would send the whole."""

    def __init__(self, app: App, bundle: bytes | None) -> None:
        """Wrap an application; without a bundle it answers as it did."""
        self.app, self.bundle = app, bundle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.bundle is None or scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        await Response(self.bundle, media_type="application/javascript")(scope, receive, send)
