"""What a user sees when a view cannot be worked out: one sentence, one action and an id that is also in the log."""

from __future__ import annotations

from typing import Any

from dash import html, set_props

from dashboard.draw.markup import attrs
from dashboard.view.faults import log_fault
from dashboard.view.reader import ENGLISH, Reader, asking
from dashboard.view.texts import Text
from lake.errors import SillageError


def report(error: Exception, reader: Reader = ENGLISH) -> Any:
    """Log an error and return what the page says about it; what the lake's own errors say is English."""
    say = reader.say
    number = log_fault(error)
    known = isinstance(error, SillageError)
    title = error.title if isinstance(error, SillageError) else say(Text.VIEW_FAILED)
    action = error.action if isinstance(error, SillageError) and error.action else say(Text.VIEW_FAILED_ACTION)
    return html.Div(
        [
            html.Span(
                [
                    html.B(f"{title}. "),
                    f"{action[:1].upper()}{action[1:]}. ",
                    html.Code(say(Text.ERROR_NUMBER, number=number)),
                ]
            ),
            html.Span(
                [
                    html.Button(say(Text.TRY_AGAIN), type="button", className="action", **attrs({"data-reload": ""})),
                    html.A(say(Text.RESET), href=reader.query or "?", className="action soft") if not known else None,
                ]
            ),
        ],
        className="fault",
        **attrs({"data-error-id": number}),
    )


def on_error(error: Exception) -> None:
    """Dash's handler for all callbacks: the figures that are there stay, the error is said above them."""
    set_props("error", {"children": report(error, asking(None))})
