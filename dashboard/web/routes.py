"""Routes beside Dash's own: health, exports, and what either says when the lake cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from dashboard.draw.sheets import Sheet
from dashboard.draw.workbook import workbook
from dashboard.page import Page
from dashboard.view.address import View, parse
from dashboard.view.faults import log_fault
from dashboard.view.published import Published
from dashboard.web.status import health, sight
from lake.errors import QueryError, SillageError
from lake.snapshot import NothingPublishedError

_FRESH = {"Cache-Control": "no-store"}
#: By the ending of a file, its kind and how it is written.
_FILES: dict[str, tuple[str, Callable[[Sheet, View], str | bytes]]] = {
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
        return _export(by_name.get(page_name), card, request.url.query, published, ending)

    server.add_exception_handler(SillageError, _refuse)


def _export(page: Page | None, card: str, query: str, published: Published, ending: str = "csv") -> Response:
    if page is None or ending not in _FILES:
        return PlainTextResponse("There is no such export.", 404)
    with published.reading() as reading:
        if reading.catalogue is None:
            return PlainTextResponse("The published snapshot holds no data.", 404)
        view, notes = parse(query, reading.catalogue)
        if notes:  # who reads a file does not see what a page says above its figures
            return PlainTextResponse("\n".join(["No export:", *notes]), 400, _FRESH)
        try:
            sheet = page.sheet(reading, view, card)
        except QueryError as error:
            return PlainTextResponse(f"{error.title}: {error.found}.", 400, _FRESH)
        if sheet is None:
            return PlainTextResponse("There is no such export.", 404)
        kind, written = _FILES[ending]
        body = written(sheet, view)
    name = f"sillage-{page.name}-{card}-{view.first.isoformat()}-{view.last.isoformat()}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **_FRESH}
    return Response(body, media_type=kind, headers=headers)


def _refuse(_request: Request, error: Exception) -> Response:
    if isinstance(error, NothingPublishedError):
        return PlainTextResponse(f"{error.title}. {error.action}", 404)
    number = log_fault(error)
    title = error.title if isinstance(error, SillageError) else "Something went wrong"
    return PlainTextResponse(f"{title}. Error {number}.", 503)
