"""Puts the app together: pages, frame, routes and middleware. ``dashboard.server`` runs it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from dash import Dash, Input, Output, State, no_update
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dashboard.pages import PAGES
from dashboard.shell import filterbar, missing
from dashboard.shell import frame as shell
from dashboard.shell.scripts import script_words
from dashboard.view.address import parse
from dashboard.view.faults import typed
from dashboard.view.history import Lives
from dashboard.view.published import Published
from dashboard.view.reader import ENGLISH, Reader, asking
from dashboard.view.texts import Text
from dashboard.web import faults
from dashboard.web.callback_bodies import CallbackBodies
from dashboard.web.limits import RequestLimits
from dashboard.web.middleware import Compression, HeadAsGet, PagePaths, SecurityHeaders, content_security_policy
from dashboard.web.plotly import PartialPlotly, partial_bundle
from dashboard.web.routes import add_routes
from dashboard.web.status import sight, stamp
from lake.errors import LakeError
from lake.settings import Settings, get_settings
from lake.snapshot import NothingPublishedError, Snapshot

NOTHING = "nothing"
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")

_INDEX = """<!DOCTYPE html>
<html lang="{%language%}">
<head>
{%metas%}
<title>{%title%}</title>
<meta name="description" content="{%about%}">
<link rel="icon" type="image/svg+xml" href="/assets/icons/favicon.svg">
<script src="/assets/theme.js"></script>
{%css%}
</head>
<body>
{%app_entry%}
<noscript>{%noscript%}</noscript>
<script type="application/json" id="words">{%words%}</script>
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>"""


class _Localised(Dash):
    """Dash whose one document is in the language of who asks for it, and holds what scripts say."""

    def interpolate_index(self, **kwargs: Any) -> str:  # type: ignore[override]
        """The document."""
        document: str = super().interpolate_index(**kwargs)  # type: ignore[no-untyped-call]
        reader = _of_request(self)
        places = {
            "language": reader.tag,
            "noscript": reader.say(Text.NEEDS_JAVASCRIPT),
            "about": reader.say(Text.ABOUT_SILLAGE),
            "words": json.dumps(script_words(reader)).replace("<", "\\u003c"),
        }
        for name, text in places.items():
            document = document.replace(f"{{%{name}%}}", text)
        return document


def _of_request(app: Dash) -> Reader:
    """Who asks for the document or the layout; Dash itself looks at the layout before anybody asks."""
    try:
        request = app.backend.request_adapter()
    except RuntimeError:  # outside a request
        return ENGLISH
    return Reader.of(str(request.args), request.headers.get("accept-language"))


def create_app(
    settings: Settings | None = None, *, published: Published | None = None, hosts: tuple[str, ...] = ()
) -> Dash:
    """Make the dashboard.

    Args:
        settings: where the lake is; not needed if ``published`` is given.
        published: where figures come from; the lake of the settings unless given.
        hosts: names, besides this machine's, under which the server may be asked for.

    Returns:
        The app; its ASGI application is ``.server``.
    """
    known = settings or get_settings()
    source = published or Published(lambda: _open(known), lives=Lives.beside(known))
    app = _Localised(
        "dashboard",
        backend="fastapi",
        pages_folder="",
        use_pages=False,
        assets_ignore=r"theme\.js",
        index_string=_INDEX,
        title="Sillage",
        update_title="",
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {"name": "color-scheme", "content": "light dark"},
        ],
        serve_locally=True,
        suppress_callback_exceptions=True,
        on_error=faults.on_error,
        enable_mcp=False,
        add_log_handler=False,
    )

    def layout() -> Any:
        reader = _of_request(app)
        info, status = sight(source, datetime.now(UTC), reader)
        return shell.shell(PAGES, info.file if info else NOTHING, status, reader)

    app.backend.websocket_capability = False  # else every page opens a socket that nothing uses
    app.layout = layout
    shell.register_callbacks(app)
    filterbar.register_callbacks(app, source)
    for page in PAGES:
        page.register(app, source)
    _register_router(app, source)
    add_routes(app.server, PAGES, source)
    app.server.add_middleware(CallbackBodies, known=lambda: app.callback_map)
    app.server.add_middleware(
        PagePaths,
        pages=[page.path for page in PAGES],
        routes=app.server.routes,
        files=lambda: _component_files(app),
    )
    app.server.add_middleware(PartialPlotly, bundle=partial_bundle())
    app.server.add_middleware(Compression)
    app.server.add_middleware(SecurityHeaders, policy=content_security_policy(app.csp_hashes()))
    app.server.add_middleware(HeadAsGet)
    app.server.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOCAL_NAMES, *hosts], www_redirect=False)
    app.server.add_middleware(RequestLimits)
    return app


def _component_files(app: Dash) -> Mapping[str, Collection[str]]:
    """The files of the packages of components, which Dash gathers when it is first asked for anything."""
    app._setup_server()  # type: ignore[no-untyped-call]
    return app.registered_paths  # type: ignore[no-any-return]


def _open(settings: Settings) -> Snapshot:
    try:
        return Snapshot.open(settings)
    except LakeError as error:
        if error.title == "There is no lake yet":
            raise NothingPublishedError("Nothing has been published yet", action=error.action) from error
        raise


def _register_router(app: Dash, published: Published) -> None:
    """The page of the address, and the stamp, which also says when there is a newer snapshot.

    A newer snapshot leaves the page where it is and only has its figures worked out again.
    """
    by_path = {page.path: page for page in PAGES}

    @app.callback(
        Output("page", "children"),
        Output("title", "children"),
        Input("url", "pathname"),
        Input("presence", "data"),
        State("url", "search"),
    )
    @typed
    def route(pathname: str | None, _presence: str | None, search: str | None) -> tuple[Any, str]:
        reader = asking(search)
        page = by_path.get(pathname or "/")
        if page is None:
            return missing.layout(reader), reader.say(Text.PAGE_NOT_FOUND)
        try:
            with published.reading(reader) as reading:
                catalogue = reading.catalogue
        except NothingPublishedError:
            return missing.nothing_published(reader), reader.say(page.title)
        if catalogue is None:
            return missing.no_data(reader), reader.say(page.title)
        view, _ = parse(search, catalogue, reader=reader)
        return [filterbar.filter_bar(view, catalogue), page.layout(reading.told, reader)], reader.say(page.title)

    @app.callback(
        Output("stamp", "children"),
        Output("snapshot", "data"),
        Output("presence", "data"),
        Input("tick", "n_intervals"),
        State("snapshot", "data"),
        State("presence", "data"),
        prevent_initial_call=True,
    )
    @typed
    def tick(_count: int | None, known: str | None, presence: str | None) -> tuple[Any, Any, Any]:
        info, status = sight(published, datetime.now(UTC), asking(None))
        if status.state == "unreadable":
            return stamp(status), no_update, no_update
        file = info.file if info else NOTHING
        changes = [now if now != then else no_update for now, then in ((file, known), (status.presence, presence))]
        return stamp(status), *changes
