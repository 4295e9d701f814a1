"""Resends, late messages and gaps are counted to the message, vehicle by vehicle and day by day."""

from __future__ import annotations

import polars as pl

from lake.tables import open_table
from tests.integration.truth.fleets import Fleet, Ledger

#: Tables of the lake, by what messages of the feed are called.
KINDS = {
    "telemetry": "telemetry", "fault": "faults", "service": "service_events", "command": "commands",
    "charging": "charging_events", "automation": "automation_events", "software": "software_events",
    "workshop": "workshop_visits", "vehicle": "vehicles", "subscription": "subscriptions", "consent": "consents",
}  # fmt: skip


def test_every_message_that_was_received_has_landed_or_was_rejected(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    for fleet in (clean, dirty):
        sent = fleet.truth("messages").group_by("kind").agg(pl.col("received", "malformed").sum())
        for kind, received, malformed in sent.sort("kind").iter_rows():
            landed = sum(open_table(fleet.lake, f"raw.{KINDS[kind]}").rows_by_day().values())
            ledger.equal(f"raw.{KINDS[kind]}: messages", received - malformed, landed)
        malformed = fleet.truth("messages")["malformed"].sum()
        missing = fleet.truth("dirt").filter(pl.col("what") == "missing", pl.col("kind") != "telemetry")
        # Of an event without a field that it needs, nothing can be made.
        rejected = fleet.found("ops.rejects").height
        ledger.within(
            "ops.rejects: malformed, or without what is needed",
            rejected,
            malformed,
            malformed + missing["messages"].sum(),
        )


def test_nothing_is_missing_late_or_resent_where_there_is_no_dirt(clean: Fleet, ledger: Ledger) -> None:
    found = clean.found("core.vehicle_days")
    sent = clean.truth("messages").filter(kind="telemetry")
    ledger.equal("core.vehicle_days: messages, clean", sent["messages"].sum(), found["messages"].sum())
    ledger.equal("core.vehicle_days: expected, clean", sent["messages"].sum(), found["messages_expected"].sum())
    for name in ("duplicates", "messages_late", "implausible"):
        ledger.equal(f"core.vehicle_days: {name}, clean", 0, found[name].sum())


def test_resends_and_late_messages_are_counted_exactly_day_by_day(dirty: Fleet, ledger: Ledger) -> None:
    sent = dirty.truth("messages").filter(kind="telemetry")
    truth = sent.select(
        "vehicle_id",
        "date",
        messages=pl.col("received") - pl.col("duplicates") - pl.col("malformed"),
        duplicates="duplicates",
        messages_late="late",
    ).filter(pl.col("messages") > 0)
    found = dirty.found("core.vehicle_days").filter("reported").select(truth.columns)
    for name in ("messages", "duplicates", "messages_late"):
        ledger.equal(f"core.vehicle_days: {name}, dirty", truth[name].sum(), found[name].sum())
    assert found.sort("vehicle_id", "date").equals(truth.sort("vehicle_id", "date"))


def test_gaps_are_counted_exactly(dirty: Fleet, ledger: Ledger) -> None:
    sent = dirty.truth("messages").filter(kind="telemetry")
    lost = sent.group_by("vehicle_id").agg(truth=(pl.col("lost") + pl.col("malformed")).sum())
    gap = (pl.col("messages_expected") - pl.col("messages")).sum()
    found = dirty.found("core.vehicle_days").group_by("vehicle_id").agg(found=gap)
    both = found.join(lost, on="vehicle_id", how="left").filter(pl.col("found") != pl.col("truth"))
    ledger.equal("core.vehicle_days: messages lost on the way, dirty", lost["truth"].sum(), found["found"].sum())
    ledger.equal("core.vehicle_days: vehicles with another count of lost messages", 0, both.height)
