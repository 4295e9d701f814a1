"""``raw.telemetry``: one typed column per signal of the catalogue."""

from __future__ import annotations

from typing import Any

import dataframely as dy

from lake.schemas.raw.rows import RawRow, signal_column
from lake.signals import SIGNALS


def _telemetry_columns() -> dict[str, Any]:
    columns: dict[str, Any] = {
        "bucket": dy.Int32(
            nullable=False, min=0, description="Hash of vehicle_id modulo the lake's buckets; partition."
        )
    }
    columns |= {signal.column: signal_column(signal) for signal in SIGNALS}
    columns["extras"] = dy.String(nullable=True, description="JSON object of what was sent beyond the catalogue.")
    return columns


Telemetry: type[dy.Schema] = type(
    "Telemetry",
    (RawRow,),
    _telemetry_columns() | {"__doc__": "One message of a vehicle, wide.", "__module__": __name__},
)
