"""What goes wrong while figures are worked out: into the log under a number that the page shows as well."""

from __future__ import annotations

import logging
import secrets

log = logging.getLogger("sillage.dashboard")


def log_fault(error: Exception) -> str:
    """Log an error with its traceback under a new id, and return the id."""
    number = secrets.token_hex(4)
    log.error("error %s: %s", number, error, exc_info=error)
    return number
