"""What every answer of the web server carries: security headers, compression, caching and an honest status.

Pure ASGI middleware; nothing here knows a page or a figure.
"""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from dash.fingerprint import check_fingerprint
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Files = Callable[[], Mapping[str, Collection[str]]]

_COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg+xml")
_SMALLEST = 800
_SUITES = "/_dash-component-suites/"
_STATIC = (_SUITES, "/assets/")
#: Path of the route by which Dash answers with the page whatever no other route has.
_ALL_THE_REST = "{path:path}"


def content_security_policy(script_hashes: Iterable[str]) -> str:
    """The tightest policy under which Dash, Mantine and Plotly run.

    Scripts come from this server, or are one of Dash's inline scripts by its hash; nothing is evaluated. Styles
    need ``unsafe-inline`` because Mantine and Plotly write style elements. Images may be ``data:`` and ``blob:``
    for the masks of icons and sparklines.

    Args:
        script_hashes: as ``Dash.csp_hashes()`` gives them, quoted.
    """
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *script_hashes]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


class SecurityHeaders:
    """Sets the headers that keep the page to itself, on every answer, and refuses sockets: no page uses one."""

    def __init__(self, app: App, policy: str) -> None:
        self.app = app
        self.headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["Cache-Control"] = _caching(scope, message["status"])
            await send(message)

        await self.app(scope, receive, with_headers)


def _caching(scope: Scope, status: int) -> str:
    """Files whose address changes with them stay for good; Plotly, which has no version in its address, for an hour."""
    if status < 400 and scope["path"].startswith("/assets/") and scope["query_string"].startswith(b"m="):
        return "public, max-age=31536000, immutable"
    if status < 400 and scope["path"].startswith(_SUITES):
        return "public, max-age=3600"
    return "no-cache"


class Compression:
    """Gzip for what is worth it. Files of the server are compressed once and well, answers quickly.

    Starlette's own middleware would compress the 4.8 MB of Plotly anew for every visitor.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self.app(scope, receive, send)
            return
        start: MutableMapping[str, Any] = {}
        body = bytearray()

        async def collect(message: MutableMapping[str, Any]) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await self._finish(scope, start, bytes(body), send)

        await self.app(scope, receive, collect)

    async def _finish(self, scope: Scope, start: MutableMapping[str, Any], body: bytes, send: Send) -> None:
        headers = MutableHeaders(scope=start)
        kind = headers.get("content-type", "")
        if len(body) >= _SMALLEST and kind.startswith(_COMPRESSIBLE) and "content-encoding" not in headers:
            body = _thoroughly(body) if scope["path"].startswith(_STATIC) else gzip.compress(body, 4, mtime=0)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(body))
            headers["Vary"] = "Accept-Encoding"
        await send(start)
        await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=64)
def _thoroughly(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


class HeadAsGet:
    """Answers HEAD wherever GET is answered, with the same headers and no body."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, without_body)


class PagePaths:
    """Answers every address of a page with the one document of the app, and any other with the same and 404.

    What begins as an address of a file, an export or of Dash itself is no page: 404 if no route has it, 405 if one
    has it for another method, before Dash's route for all the rest answers with the page.
    """

    _own = ("/_dash", "/assets/", "/export/", "/healthz")

    def __init__(self, app: App, pages: Iterable[str], routes: Sequence[BaseRoute], files: Files) -> None:
        """Wrap an application.

        Args:
            app: that has the routes.
            pages: addresses of pages.
            routes: of the server; looked through at each request, since Dash adds some when it starts.
            files: those of the packages of components, as Dash keeps them.
        """
        self.app, self.pages, self.routes, self.files = app, frozenset(pages), routes, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith(self._own):
            match self._route(scope):
                case Match.FULL:
                    await self.app(scope, receive, send)
                case Match.PARTIAL:
                    await PlainTextResponse("Not by this method.", 405)(scope, receive, send)
                case _:
                    await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
            return
        if scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        known = scope["path"] in self.pages

        async def with_status(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and not known:
                message["status"] = 404
            await send(message)

        await self.app({**scope, "path": "/", "raw_path": b"/"}, receive, with_status)

    def _route(self, scope: Scope) -> Match:
        """Whether a route has the address, and for this method."""
        path = scope["path"]
        if path.startswith(_SUITES):
            package, _, file = path.removeprefix(_SUITES).partition("/")
            unstamped: str = check_fingerprint(file)[0]  # type: ignore[no-untyped-call]
            if unstamped not in self.files().get(package, ()):
                return Match.NONE
        named = (route for route in self.routes if getattr(route, "path", "") != _ALL_THE_REST)
        return max((route.matches(scope)[0] for route in named), key=lambda match: match.value)
