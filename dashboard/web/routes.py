"""Routes beside Dash's own: health, exports, and what either says when the lake cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from dashboard.draw.sheets import Sheet
from dashboard.draw.workbook import workbook
from dashboard.page import Page
from dashboard.view.address import parse
from dashboard.view.faults import log_fault
from dashboard.view.published import Published
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from dashboard.web.status import health, sight
from lake.errors import QueryError, SillageError
from lake.snapshot import NothingPublishedError

_FRESH = {"Cache-Control": "no-store"}
#: By the ending of a file, its kind and how it is written.
_FILES: dict[str, tuple[str, Callable[..., str | bytes]]] = {
    "csv": ("text/csv; charset=utf-8", Sheet.csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", workbook),
}


def add_routes(server: FastAPI, pages: Sequence[Page], published: Published) -> None:
    """Add the routes to a server.

    Args:
        server: of the app.
        pages: whose cards can be exported.
        published: where figures come from.
    """
    by_name = {page.name: page for page in pages}

    @server.get("/healthz", include_in_schema=False)
    def healthz() -> JSONResponse:
        now = datetime.now(UTC)
        info, status = sight(published, now)
        return JSONResponse(health(info, status, now), 503 if status.state == "unreadable" else 200, _FRESH)

    @server.get("/export/{page_name}/{card}.{ending}", include_in_schema=False)
    def export(request: Request, page_name: str, card: str, ending: str) -> Response:
        accepted = request.headers.get("accept-language")
        return _export(by_name.get(page_name), card, request.url.query, published, ending, accepted)

    server.add_exception_handler(SillageError, _refuse)


def _export(
    page: Page | None, card: str, query: str, published: Published, ending: str = "csv", accepted: str | None = None
) -> Response:
    told = Reader.of(query, accepted)
    reader = replace(told, units="km")  # as SQL has them, whatever the page shows
    if page is None or ending not in _FILES:
        return PlainTextResponse(reader.say(Text.NO_SUCH_EXPORT), 404)
    with published.reading(reader) as reading:
        if reading.catalogue is None:
            return PlainTextResponse(reader.say(Text.NO_EXPORT_DATA), 404)
        view, notes = parse(query, reading.catalogue, reader=reader)
        if notes:  # who reads a file does not see what a page says above its figures
            return PlainTextResponse("\n".join([reader.say(Text.NO_EXPORT), *notes]), 400, _FRESH)
        try:
            sheet = page.sheet(reading, view, card)
        except QueryError as error:
            return PlainTextResponse(reader.say(Text.NO_EXPORT_FOR, names=error.found or ""), 400, _FRESH)
        if sheet is None:
            return PlainTextResponse(reader.say(Text.NO_SUCH_EXPORT), 404)
        kind, written = _FILES[ending]
        body = written(sheet, view, in_miles=told.units == "mi")
    name = f"sillage-{page.name}-{card}-{view.first.isoformat()}-{view.last.isoformat()}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **_FRESH}
    return Response(body, media_type=kind, headers=headers)


def _refuse(request: Request, error: Exception) -> Response:
    reader = Reader.of(request.url.query, request.headers.get("accept-language"))
    if isinstance(error, NothingPublishedError):
        return PlainTextResponse(f"{error.title}. {error.action}", 404)
    number = log_fault(error)
    title = error.title if isinstance(error, SillageError) else reader.say(Text.FAILED)
    return PlainTextResponse(reader.say(Text.FAILED_NUMBER, title=title, number=number), 503)
