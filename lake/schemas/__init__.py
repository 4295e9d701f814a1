"""One contract per table. ``TABLES`` is the registry: what exists, how it is partitioned, how it is sorted.

KPI tables are not listed here: each is declared by the contract beside its query in ``sql/kpi`` (``lake.metrics``).
"""

from __future__ import annotations

from dataclasses import dataclass

import dataframely as dy

from lake.schemas import core, ops, raw


@dataclass(frozen=True)
class TableSpec:
    """What a table of the lake is.

    Attributes:
        name: ``layer.plural_noun``.
        schema: columns, types and rules.
        partition_by: partition columns; the first is the day where there is one.
        sort_by: order of the rows inside a file.
        description: what one row is.
    """

    name: str
    schema: type[dy.Schema]
    partition_by: tuple[str, ...]
    sort_by: tuple[str, ...]
    description: str

    @property
    def layer(self) -> str:
        """``raw``, ``core``, ``kpi`` or ``ops``."""
        return self.name.partition(".")[0]

    @property
    def day_column(self) -> str | None:
        """The partition column that holds the day, if the table has one."""
        return next((c for c in self.partition_by if c in ("event_date", "date")), None)


_RAW_ORDER = ("vehicle_id", "event_at", "sequence", "batch", "record")

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        TableSpec("raw.telemetry", raw.Telemetry, ("event_date", "bucket"), _RAW_ORDER,
                  "One message of a vehicle, as it was sent: a typed column per signal, null where not sent."),
        TableSpec("raw.vehicles", raw.Vehicles, ("event_date",), _RAW_ORDER,
                  "One statement of the vehicle registry: what a vehicle is from a moment on."),
        TableSpec("core.trips", core.Trips, ("date",), ("vehicle_id", "started_at"),
                  "One trip of one vehicle; it belongs to the UTC day on which it starts."),
        TableSpec("core.vehicle_days", core.VehicleDays, ("date",), ("vehicle_id",),
                  "One vehicle on one UTC day on which it was in the fleet."),
        TableSpec("core.latest", core.Latest, ("bucket",), ("vehicle_id",),
                  "One vehicle: the last known value of each signal and when it was measured."),
        TableSpec("ops.batches", ops.Batches, (), ("source", "batch", "file"),
                  "One file of a landing batch, once when it is planned and once when it has landed."),
        TableSpec("ops.rejects", ops.Rejects, ("date",), ("source", "batch", "record"),
                  "One record of a feed that could not be landed, with its reason and its original bytes."),
        TableSpec("ops.runs", ops.Runs, (), ("table", "date"),
                  "One day of one table that was computed, and from which version of which input."),
        TableSpec("ops.freshness", ops.Freshness, (), ("source",),
                  "One feed: how new what it has sent is."),
        TableSpec("ops.check_results", ops.CheckResults, ("date",), ("check", "at"),
                  "One run of one data check: how many rows broke the rule."),
    )
}  # fmt: skip
