"""One contract per table. ``TABLES`` is the registry: what exists, how it is partitioned, how it is sorted.

KPI tables are not listed here: each is declared by the contract beside its query in ``sql/kpi`` (``metrics``).
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
        message_key: for a raw table, the columns in which resends of one message agree.
    """

    name: str
    schema: type[dy.Schema]
    partition_by: tuple[str, ...]
    sort_by: tuple[str, ...]
    description: str
    message_key: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        """``raw``, ``core``, ``kpi`` or ``ops``."""
        return self.name.partition(".")[0]

    @property
    def day_column(self) -> str | None:
        """The partition column that holds the day, if the table has one."""
        return next((c for c in self.partition_by if c in ("event_date", "date")), None)


_RAW_ORDER = ("vehicle_id", "event_at", "sequence", "batch", "record")


def _raw(
    name: str, schema: type[dy.Schema], key: tuple[str, ...], description: str, *, wide: bool = False
) -> TableSpec:
    partition = ("event_date", "bucket") if wide else ("event_date",)
    return TableSpec(
        f"raw.{name}", schema, partition, _RAW_ORDER, description, message_key=("vehicle_id", "event_at", *key)
    )


def _core(name: str, schema: type[dy.Schema], order: tuple[str, ...], description: str) -> TableSpec:
    return TableSpec(f"core.{name}", schema, ("date",), ("vehicle_id", *order), description)


TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        _raw("telemetry", raw.Telemetry, ("sequence", "source"),
             "One message of a vehicle, as it was sent: a typed column per signal, null where not sent.", wide=True),
        _raw("faults", raw.Faults, ("sequence", "code", "status", "ecu"),
             "A diagnostic trouble code was set, with its freeze frame, or cleared."),
        _raw("service_events", raw.ServiceEvents, ("sequence", "service", "event", "session_id", "feature"),
             "A connected service was used: a session began or ended, or something was done in a moment."),
        _raw("commands", raw.Commands, ("command_id", "status"),
             "One step of a remote command: issued, acknowledged by the vehicle, and how it ended."),
        _raw("charging_events", raw.ChargingEvents, ("sequence", "session_id", "event"),
             "One step of a charging session, as charge point or vehicle report it."),
        _raw("automation_events", raw.AutomationEvents, ("sequence", "event"),
             "Driving automation was engaged or disengaged, or asked the driver to take over."),
        _raw("software_events", raw.SoftwareEvents, ("sequence", "campaign_id", "step"),
             "One step of an over-the-air campaign on one vehicle."),
        _raw("workshop_visits", raw.WorkshopVisits, ("visit_id", "event"),
             "A vehicle arrived at a workshop, or left it."),
        _raw("vehicles", raw.Vehicles, ("sequence",),
             "One statement of the vehicle registry: what a vehicle is from a moment on."),
        _raw("subscriptions", raw.Subscriptions, ("sequence", "service", "event"),
             "One step in the life of a vehicle's subscription to a connected service."),
        _raw("consents", raw.Consents, ("sequence", "service", "status"),
             "One statement of consent to process a vehicle's data for a connected service."),
        _core("vehicles", core.Vehicles, (), "One vehicle that the registry knows, as of one UTC day."),
        _core("vehicle_days", core.VehicleDays, (), "One vehicle on one UTC day on which it was in the fleet."),
        _core("vehicle_conditions", core.VehicleConditions, (),
              "One vehicle on one UTC day on which it said something of its condition: the last it said of each part."),
        _core("arrivals", core.Arrivals, ("source", "log_bucket"),
              "One vehicle, UTC day, feed and class of time: messages that took so long to arrive."),
        _core("implausible_values", core.ImplausibleValues, ("signal",),
              "One vehicle, UTC day and signal with a value outside its plausible range: how many."),
        _core("doubts", core.Doubts, ("event_at", "quantity", "signal", "kind"),
              "One signal of a vehicle that was not believed, or is contradicted: of a trip, a session or a day."),
        _core("activity", core.Activity, (), "One vehicle and UTC day: what it did on the last 64 days, as bitmaps."),
        _core("subscription_days", core.SubscriptionDays, ("service",),
              "One connected service of one delivered vehicle, as it stands on one UTC day."),
        _core("trips", core.Trips, ("started_at",),
              "One trip of one vehicle; it belongs to the UTC day on which it starts."),
        _core("charging_sessions", core.ChargingSessions, ("started_at",),
              "One charging session; it belongs to the UTC day on which charging starts."),
        _core("plug_ins", core.PlugIns, ("plugged_at",),
              "One time a cable was connected to a vehicle; it belongs to the UTC day on which it was connected."),
        _core("battery_health", core.BatteryHealth, (),
              "One traction battery's usable capacity, as of a UTC day on which a charging session tells of it."),
        _core("fault_episodes", core.FaultEpisodes, ("set_at", "code"),
              "One fault of one vehicle from set to cleared; it belongs to the UTC day on which it was set."),
        _core("command_outcomes", core.CommandOutcomes, ("issued_at", "command_id"),
              "One remote command to one vehicle and its outcome, on the UTC day on which it was issued."),
        _core("service_sessions", core.ServiceSessions, ("started_at", "service", "session_id"),
              "One use of a connected service; it belongs to the UTC day on which it starts."),
        _core("software_installs", core.SoftwareInstalls, ("campaign_id",),
              "One over-the-air campaign on one vehicle, on the UTC day of its first step."),
        _core("workshop_visits", core.WorkshopVisits, ("visit_id",),
              "One visit to a workshop, on the UTC day of the arrival."),
        _core("automation_segments", core.AutomationSegments, ("engaged_at",),
              "One stretch driven with automation engaged, on the UTC day on which it was engaged."),
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
        TableSpec("ops.still_expected", ops.StillExpected, (), ("date",),
                  "One day: the share of its messages that is still to come."),
        TableSpec("ops.check_results", ops.CheckResults, ("date",), ("check", "at"),
                  "One run of one data check: how many rows broke the rule."),
    )
}  # fmt: skip
