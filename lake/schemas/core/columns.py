"""Kinds of column that several core tables have."""

from __future__ import annotations

import dataframely as dy


def day(description: str, *, primary_key: bool = False) -> dy.Date:
    """The partition column."""
    return dy.Date(nullable=False, primary_key=primary_key, description=f"{description}; partition.")


def amount(description: str, *, nullable: bool = False) -> dy.Float64:
    """A quantity that is never negative."""
    return dy.Float64(nullable=nullable, min=0, description=description)


def share_pct(description: str, *, nullable: bool = True) -> dy.Float64:
    """A level from 0 to 100."""
    return dy.Float64(nullable=nullable, min=0, max=100, description=description)


def count(description: str, *, least: int = 0) -> dy.Int64:
    """A number of things."""
    return dy.Int64(nullable=False, min=least, description=description)


def text(description: str) -> dy.String:
    """A text that may be unknown."""
    return dy.String(nullable=True, description=description)
