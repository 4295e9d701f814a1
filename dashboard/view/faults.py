"""What goes wrong while figures are worked out: into the log under a number that the page shows as well."""

from __future__ import annotations

import logging
import secrets

from pydantic import ConfigDict, ValidationError, validate_call

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
