"""What the tables made of events find of the simulation: every row as it was, and of a damaged message one row less.

Messages that are late, resent or out of order change nothing at all.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from lake.tables import open_table
from tests.integration.truth.fleets import DAYS, FIRST, Fleet, Ledger
from tests.integration.truth.rows import Rows, damaged
from transforms.core.automation import automation_segments


@pytest.fixture(params=["clean", "dirty"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """Both fleets in turn."""
    found: Fleet = request.getfixturevalue(request.param)
    return found


def test_fault_episodes(fleet: Fleet, ledger: Ledger) -> None:
    key = ("vehicle_id", "code", "set_at")
    rows = Rows("core.fault_episodes", key, ("cleared_at", "sets"), damaged(fleet, "fault"))
    rows.compare(fleet.truth("fault_episodes"), fleet.found("core.fault_episodes"), ledger)


def test_commands(fleet: Fleet, ledger: Ledger) -> None:
    columns = ("command", "channel", "client_country", "acknowledged_at", "finished_at", "outcome", "issue_seen")
    key = ("vehicle_id", "command_id", "issued_at")
    rows = Rows("core.command_outcomes", key, columns, damaged(fleet, "command"))
    truth, found = fleet.truth("commands"), fleet.found("core.command_outcomes")
    rows.compare(truth.with_columns(issue_seen=pl.lit(value=True)), found, ledger)
    took = pl.col("finished_at") - pl.col("issued_at")
    waited = truth.filter("complete").select(took.dt.total_microseconds().sum() / 1e6).item()
    ledger.near("core.command_outcomes: s waited", waited, found["latency_s"].sum(), 0.02 if rows.damaged else 1e-9)


def test_replayed_commands_are_rows_of_their_own(clean: Fleet, ledger: Ledger) -> None:
    replayed = clean.truth("commands").filter(attack="replayed_command")
    found = clean.found("core.command_outcomes").join(replayed, on=["vehicle_id", "command_id"], how="semi")
    ledger.equal("core.command_outcomes: replayed commands", replayed.height, found.height)
    assert replayed["command_id"].n_unique() < replayed.height


def test_service_sessions(fleet: Fleet, ledger: Ledger) -> None:
    key = ("vehicle_id", "service", "session_id", "started_at")
    rows = Rows("core.service_sessions", key, ("ended_at", "uses"), damaged(fleet, "service"))
    truth, found = fleet.truth("service_sessions"), fleet.found("core.service_sessions")
    rows.compare(truth, found, ledger)
    ledger.within(f"core.service_sessions: uses, of {truth['uses'].sum()} true", found["uses"].sum(),
                  truth["uses"].sum() - rows.damaged, truth["uses"].sum())  # fmt: skip


def test_software_installs(fleet: Fleet, ledger: Ledger) -> None:
    columns = ("targeted_at", "finished_at", "from_version", "to_version", "attempts", "failures", "outcome")
    rows = Rows("core.software_installs", ("vehicle_id", "campaign_id"), columns, damaged(fleet, "software"))
    rows.compare(fleet.truth("software_installs"), fleet.found("core.software_installs"), ledger)


def test_workshop_visits(fleet: Fleet, ledger: Ledger) -> None:
    columns = ("arrived_at", "completed_at", "reason", "codes", "parts")
    rows = Rows("core.workshop_visits", ("vehicle_id", "visit_id"), columns, damaged(fleet, "workshop"))
    rows.compare(fleet.truth("workshop_visits"), fleet.found("core.workshop_visits"), ledger)


def test_automation_segments(fleet: Fleet, ledger: Ledger) -> None:
    columns = ("disengaged_at", "level", "ended_by", "reason", "takeover_requests")
    rows = Rows("core.automation_segments", ("vehicle_id", "engaged_at"), columns, damaged(fleet, "automation"))
    truth, found = fleet.truth("automation_segments"), fleet.found("core.automation_segments")
    rows.compare(truth, found, ledger)
    ledger.near("core.automation_segments: km", truth["distance_km"].sum(), found["distance_km"].sum())
    each = truth.filter("complete").join(found, on=["vehicle_id", "engaged_at"], suffix="_found")
    off = (each["distance_km_found"] - each["distance_km"]).abs().max()
    assert isinstance(off, float)
    ledger.within("core.automation_segments: km, greatest error of one", off, 0, 0.002 if not rows.damaged else 1.0)


@pytest.mark.parametrize("lost", ["engaged", "disengaged", "all"])
def test_automation_segments_without_their_events(clean: Fleet, ledger: Ledger, lost: str) -> None:
    told, heard = (open_table(clean.lake, f"raw.{name}").scan() for name in ("automation_events", "telemetry"))
    left = told.filter(pl.col("event") != lost, pl.lit(lost != "all"))
    found = automation_segments(left, heard, FIRST, FIRST + timedelta(days=DAYS))
    truth = clean.truth("automation_segments").filter("complete")
    key = ["vehicle_id", "engaged_at", "disengaged_at", "level"]
    same = truth.join(found, on=key).height
    ledger.equal(f"core.automation_segments: rows where {lost} is lost", truth.height, found.height)
    ledger.equal(f"core.automation_segments: times and levels where {lost} is lost", truth.height, same)
    ledger.near("core.automation_segments: km", truth["distance_km"].sum(), found["distance_km"].sum())
