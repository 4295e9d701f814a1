"""What a charge point's meter counted in a session, be it a register since it was built or a count of the session."""

from __future__ import annotations

import polars as pl

#: A reading below this share of the one before is that of a meter that began again at 0.
_RESTART = 0.1


def drawn_kwh(reading: pl.Expr, at_start: pl.Expr) -> pl.Expr:
    """Energy of one session, in a context of its events in the order of time.

    Last less first where the first reading is that of a start: the register of a meter stands where the session before
    left it, and one that counts sessions stands at 0. Without a reading at the start the meter counts from 0. What a
    meter that restarts within the session had counted before adds up; a pause that it counts through adds nothing.

    Args:
        reading: readings of the meter, kWh, null where an event has none.
        at_start: whether the event is one before or at the first start.
    """
    told = reading.drop_nulls()
    first_at_start = at_start.filter(reading.is_not_null()).first()
    base = pl.when(first_at_start).then(told.first()).otherwise(0.0)
    restarts = told < _RESTART * told.shift(1)
    pieces = pl.when(restarts).then(told).otherwise(told.diff().clip(0)).fill_null(0.0)
    whole = told.first() - base + pieces.sum()
    return pl.when(restarts.any()).then(whole).otherwise(told.max() - base)
