"""Vehicles, their services and their activity as the simulation knows them."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from tests.integration.truth.fleets import DAYS, FIRST, Fleet, Ledger

LAST = FIRST + timedelta(days=DAYS - 1)
SAID = (
    "market", "model", "trim", "model_year", "powertrain", "automation_level", "delivered_on", "services",
    "telematics_unit", "battery_capacity_kwh", "tank_capacity_l",
)  # fmt: skip
#: Of 60 vehicles and 14 days, active vehicle-days that dirt may hide or feign.
ACTIVE_DAYS_OFF = 6


@pytest.fixture(params=["clean", "dirty"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """Both fleets in turn: no dirt falls on what back offices say."""
    found: Fleet = request.getfixturevalue(request.param)
    return found


def test_vehicles_are_what_they_are_with_the_software_they_installed(fleet: Fleet, ledger: Ledger) -> None:
    ended = (pl.col("outcome") == "installed") & (pl.col("finished_at").dt.date() <= LAST)
    installed = fleet.truth("software_installs").filter(ended).sort("finished_at")
    newest = installed.group_by("vehicle_id").agg(version=pl.col("to_version").last())
    known = (
        fleet.truth("vehicles")
        .filter(pl.col("delivered_on") <= LAST)
        .join(newest, on="vehicle_id", how="left")
        .with_columns(software_version=pl.coalesce("version", "software_version"))
    )
    found = fleet.found("core.vehicles").filter(date=LAST)
    ledger.equal("core.vehicles: vehicles delivered by the last day", known.height, found["registered"].sum())
    columns = ["vehicle_id", *SAID]
    assert found.select(columns).sort("vehicle_id").equals(known.select(columns).sort("vehicle_id"))
    heard = known.join(_unheard(fleet, "software"), on="vehicle_id", how="anti")
    wrong = heard.join(found, on="vehicle_id").filter(pl.col("software_version") != pl.col("software_version_right"))
    ledger.equal("core.vehicles: vehicles with other software, steps heard", 0, wrong.height)
    new = found.join(newest, on="vehicle_id").filter(pl.col("software_version") == pl.col("version"))
    lost = newest.height - heard.join(newest, on="vehicle_id").height
    ledger.within("core.vehicles: with the software they installed", new.height, newest.height - lost, newest.height)


def _unheard(fleet: Fleet, kind: str) -> pl.DataFrame:
    """Vehicles of which not all messages of a kind have arrived."""
    arrived = pl.col("received") - pl.col("duplicates") - pl.col("malformed")
    return fleet.truth("messages").filter(pl.col("kind") == kind, arrived < pl.col("messages")).select("vehicle_id")


def test_services_stand_as_the_back_office_knows(fleet: Fleet, ledger: Ledger) -> None:
    truth, found = fleet.truth("services"), fleet.found("core.subscription_days")
    key = ["vehicle_id", "service"]
    down = pl.col("deactivated_at").is_not_null()
    withdrawn = pl.col("withdrawn_at").is_not_null()
    ended = (pl.col("ended_on") < LAST).fill_null(value=False) | down
    paid = pl.col("paid_from").is_not_null() & ~ended
    trial = pl.col("trial_until") >= LAST
    known = truth.select(
        *key,
        "equipped",
        consented=pl.col("consented_at").is_not_null() & ~withdrawn,
        consented_on=pl.when(~withdrawn).then(pl.col("consented_at").dt.date()),
        activated=pl.col("activated_at").is_not_null() & ~down,
        activated_on=pl.col("activated_at").dt.date(),
        subscription=pl.when(ended | pl.col("activated_at").is_null())
        .then(pl.lit("none"))
        .when(paid)
        .then(pl.lit("paid"))
        .when(trial)
        .then(pl.lit("trial"))
        .otherwise(pl.lit("included")),
        cancelled=pl.col("cancelled_at").is_not_null() & paid,
        renewals="renewals",
    )
    last = found.filter(date=LAST)
    for name in ("consented", "activated", "cancelled", "renewals"):
        ledger.equal(f"core.subscription_days: {name} on the last day", known[name].sum(), last[name].sum())
    for state in ("none", "included", "trial", "paid"):
        there = [(frame["subscription"] == state).sum() for frame in (known, last)]
        ledger.equal(f"core.subscription_days: {state} on the last day", *there)
    begun = known.filter(pl.col("activated_on").is_not_null())
    first_seen = found.filter(pl.col("activated_on") == pl.col("date"))
    ledger.equal("core.subscription_days: activations in all", begun.height, first_seen.height)
    columns = last.select(known.columns).sort(key)
    assert columns.equals(known.sort(key))


def test_bitmaps_hold_the_days_on_which_vehicles_drove_and_were_heard(fleet: Fleet, ledger: Ledger) -> None:
    drove = fleet.truth("trips").select("vehicle_id", date=pl.col("started_at").dt.date())
    sent = fleet.truth("messages").filter(kind="telemetry")
    heard = sent.filter(pl.col("received") - pl.col("duplicates") - pl.col("malformed") > 0)
    days = pl.DataFrame({"date": pl.date_range(FIRST, LAST, eager=True)})
    delivered = fleet.truth("vehicles").join(days, how="cross").filter(pl.col("delivered_on") <= pl.col("date"))
    found = fleet.found("core.activity").filter(date=LAST)
    off = {"active_days": 0 if _is_clean(fleet) else ACTIVE_DAYS_OFF, "reported_days": 0, "registered_days": 0}
    for column, days_of in (("active_days", drove), ("reported_days", heard), ("registered_days", delivered)):
        place = (pl.lit(LAST) - pl.col("date")).dt.total_days()
        bits = days_of.select("vehicle_id", place=place).unique().filter(pl.col("place") >= 0)
        known = bits.group_by("vehicle_id").agg(truth=pl.lit(2).pow("place").cast(pl.Int64).sum())
        both = found.join(known, on="vehicle_id", how="full", coalesce=True)
        differing = pl.col(column).fill_null(0) ^ pl.col("truth").fill_null(0)
        wrong = both.select(differing.bitwise_count_ones().sum()).item()
        ledger.within(f"core.activity: {column}, wrong bits of {bits.height}", wrong, 0, off[column])


def _is_clean(fleet: Fleet) -> bool:
    return fleet.truth("dirt").is_empty()
