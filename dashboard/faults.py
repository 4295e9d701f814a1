"""What a user sees when a view cannot be worked out: one sentence, one action and an id that is also in the log."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from dash import html, set_props
from pydantic import ConfigDict, ValidationError, validate_call

from dashboard.markup import attrs
from lake.errors import SillageError

log = logging.getLogger("sillage.dashboard")


#: Checks the values of a callback on the types of its parameters, before it runs: a page sends no others.
typed = validate_call(config=ConfigDict(strict=True))


def log_fault(error: Exception) -> str:
    """Log an error with its traceback under a new id, and return the id.

    A value of the wrong type is the sender's doing: one line, without the value.
    """
    number = secrets.token_hex(4)
    if isinstance(error, ValidationError):
        wrong = error.errors(include_url=False, include_input=False)[0]
        log.warning("error %s: %s takes no such value: %s", number, error.title, wrong["msg"])
    else:
        log.error("error %s: %s", number, error, exc_info=error)
    return number


def report(error: Exception) -> Any:
    """Log an error and return what the page says about it."""
    number = log_fault(error)
    known = isinstance(error, SillageError)
    title = error.title if isinstance(error, SillageError) else "This view could not be worked out"
    action = error.action if isinstance(error, SillageError) and error.action else "Reset the filters or try again"
    return html.Div(
        [
            html.Span([html.B(f"{title}. "), f"{action[:1].upper()}{action[1:]}. ", html.Code(f"error {number}")]),
            html.Span(
                [
                    html.Button("Try again", type="button", className="action", **attrs({"data-reload": ""})),
                    html.A("Reset", href="?", className="action soft") if not known else None,
                ]
            ),
        ],
        className="fault",
        **attrs({"data-error-id": number}),
    )


def on_error(error: Exception) -> None:
    """Dash's handler for all callbacks: the figures that are there stay, the error is said above them."""
    set_props("error", {"children": report(error)})
