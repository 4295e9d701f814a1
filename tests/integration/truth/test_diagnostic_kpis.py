"""KPIs of faults, health, workshops, commands and software against what is true: exactly, where there is no dirt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import polars as pl

from metrics import MetricValue, Slice, evaluate, load_contracts
from simulator.failures.causes import CODES
from tests.integration.truth.fleets import DAYS, FIRST, Fleet, Ledger

LAST = FIRST + timedelta(days=DAYS - 1)
LIT = [code.code for code in CODES if code.lamp]


def _days() -> Iterator[date]:
    return (FIRST + timedelta(days=n) for n in range(DAYS))


def _faults(fleet: Fleet) -> pl.DataFrame:
    return fleet.truth("fault_episodes").with_columns(
        date=pl.col("set_at").dt.date(), cleared_on=pl.col("cleared_at").dt.date()
    )


def _reported(fleet: Fleet) -> pl.DataFrame:
    sent = fleet.truth("messages").filter(pl.col("kind") == "telemetry", pl.col("messages") > 0)
    return sent.select("vehicle_id", "date").unique()


def _on(day: date) -> pl.Expr:
    return pl.col("date") == day


def _asked(fleet: Fleet, name: str) -> MetricValue:
    """A metric of all days and vehicles, shown however few of these it rests on."""
    contracts = load_contracts()
    shown = tuple(
        table.model_copy(update={"metrics": tuple(m.model_copy(update={"smallest_group": 1}) for m in table.metrics)})
        for table in contracts.tables
    )
    with duckdb.connect() as con:
        con.execute("create schema kpi")
        for table in contracts.tables:
            con.register("given", fleet.found(table.table))
            con.execute(f"create table {table.table} as select * from given")
        return evaluate(con, [name], Slice(FIRST, LAST), contracts=replace(contracts, tables=shown)).one(name)


def _share_left(cases: pl.DataFrame, after: int) -> float:
    """Share of cases of (``began``, ``ended``) open after so many whole days, by Kaplan and Meier, day by day."""
    known = cases.with_columns(
        days=pl.coalesce(
            (pl.col("ended") - pl.col("began")).dt.total_days(), (LAST - pl.col("began").dt.date()).dt.total_days()
        ),
        over=pl.col("ended").is_not_null(),
    )
    share = 1.0
    for day in range(after + 1):
        at_risk = known.filter(pl.col("days") >= day)
        if at_risk.height:
            share *= 1 - at_risk.filter(pl.col("days") == day, "over").height / at_risk.height
    return share


def test_times_until_it_is_over_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    faults = _faults(clean).select(began="set_at", ended="cleared_at")
    installs = clean.truth("software_installs").filter(pl.col("targeted_at").dt.date() <= LAST)
    done = pl.when(pl.col("outcome") == "installed", pl.col("finished_at").dt.date() <= LAST).then("finished_at")
    installs = installs.select(began="targeted_at", ended=done)
    for name, cases in (("time_to_clear_p50", faults), ("time_to_install_p50", installs)):
        found = _asked(clean, name)
        assert not found.suppressed
        # As long as half of the cases are open, there is no median.
        days = DAYS if found.value is None else int(found.value)
        left, before = _share_left(cases, days), _share_left(cases, days - 1) if days else 1.0
        ledger.within(f"{name}: left the day before {found.value}", before, 0.5, 1)
        ledger.within(
            f"{name}: left after {found.value} days",
            left,
            0.5 if found.value is None else 0,
            1 if found.value is None else 0.5,
        )
    for name, cases in (("faults_open_after_7d", faults), ("not_installed_after_7d", installs)):
        value = _asked(clean, name).value
        assert value is not None, cases
        ledger.near(f"{name}, %", 100 * _share_left(cases, 7), value, 1e-9)


def test_faults_of_each_day_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    kpi, faults, reported = clean.found("kpi.faults"), _faults(clean), _reported(clean)
    trips = clean.truth("trips").with_columns(date=pl.col("started_at").dt.date())
    for day in _days():
        now = kpi.filter(_on(day))
        recent = faults.filter(pl.col("date").is_between(day - timedelta(27), day))
        is_open = faults.filter(pl.col("date") <= day, (pl.col("cleared_on") > day).fill_null(value=True))
        drove = trips.filter(pl.col("date").is_between(day - timedelta(27), day))
        known = {
            "episodes": faults.filter(_on(day)).height,
            "episodes_28d": recent.height,
            "affected_28d_vehicles": recent["vehicle_id"].n_unique(),
            "open_vehicles": is_open.join(reported.filter(_on(day)), on="vehicle_id")["vehicle_id"].n_unique(),
            "active_vehicles": trips.filter(_on(day))["vehicle_id"].n_unique(),
            "active_28d_vehicles": drove["vehicle_id"].n_unique(),
        }
        assert {name: now[name].sum() for name in known} == known, day
    ledger.equal("kpi.faults: episodes", faults.height, kpi["episodes"].sum())
    ledger.near("kpi.faults: distance_km", trips["distance_km"].sum(), kpi["distance_km"].sum())


def test_software_versions_have_their_own_kilometres_and_faults(clean: Fleet, ledger: Ledger) -> None:
    """On days that begin and end with one version, the faults are those that were set under it."""
    kpi, days = clean.found("kpi.faults"), clean.found("core.vehicle_days").sort("vehicle_id", "date")
    before = pl.col("software_version").shift(1).over("vehicle_id")
    whole = days.filter(pl.col("software_version") == before)
    set_under = clean.found("core.fault_episodes").select("vehicle_id", "date", under="software_version")
    both = whole.join(set_under, on=["vehicle_id", "date"])
    ledger.equal("core.fault_episodes: set under the version of the day", both.height,
                 (both["under"] == both["software_version"]).sum())  # fmt: skip
    km = days.group_by("software_version").agg(pl.col("distance_km").sum()).sort("software_version")
    found = kpi.group_by("software_version").agg(pl.col("distance_km").sum()).sort("software_version")
    assert (km["distance_km"] - found["distance_km"]).abs().max() < 1e-6  # type: ignore[operator]


def test_codes_units_lamps_and_times_to_clear_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    kpi, faults = clean.found("kpi.fault_codes"), _faults(clean)
    by_code = faults.group_by("code").len("episodes").sort("code")
    found = kpi.group_by("code").agg(pl.col("episodes").sum()).filter(pl.col("episodes") > 0).sort("code")
    assert found.rows() == by_code.rows()
    units = {code.code: code.ecu for code in CODES}
    assert all(units[code] == ecu for code, ecu in kpi.select("code", "ecu").unique().iter_rows())
    ledger.equal("kpi.fault_codes: episodes that lit the lamp", faults.filter(pl.col("code").is_in(LIT)).height,
                 kpi["lamp_episodes"].sum())  # fmt: skip
    ledger.equal("kpi.fault_codes: of known lamp", faults.height, kpi["lamp_known_episodes"].sum())
    ledger.equal("kpi.fault_codes: cleared", faults["cleared_at"].count(), kpi["cleared_episodes"].sum())
    took = (pl.col("cleared_at") - pl.col("set_at")).dt.total_days()
    truth = faults.group_by(took.fill_null(-1).alias("duration_days")).len("episodes").sort("duration_days")
    known = kpi.group_by("duration_days").agg(pl.col("episodes").sum()).filter(pl.col("episodes") > 0)
    assert known.sort("duration_days").rows() == truth.rows()
    affected = faults.filter(pl.col("date") > LAST - timedelta(28))["vehicle_id"].n_unique()
    ledger.equal("kpi.fault_codes: vehicles, each once", affected, kpi.filter(_on(LAST))["vehicles"].sum())
    by_remote = clean.found("raw.faults").filter(pl.col("cleared_by") == "remote")
    assert kpi["remote_cleared_episodes"].sum() <= by_remote.height


def test_incidents_by_age_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    kpi, vehicles, faults = clean.found("kpi.incidents"), clean.truth("vehicles"), _faults(clean)
    ages = {3: (0, 3), 6: (3, 6), 12: (6, 12), 24: (12, 24)}
    known = vehicles.filter(pl.col("telematics_unit"), pl.col("delivered_on") <= LAST)
    days = pl.concat([known.filter(pl.col("delivered_on") <= day).with_columns(date=pl.lit(day)) for day in _days()])
    for months, (low, high) in ages.items():
        of_age = days.filter(
            pl.col("delivered_on").dt.offset_by(f"{low}mo") <= pl.col("date"),
            pl.col("delivered_on").dt.offset_by(f"{high}mo") > pl.col("date"),
        )
        ledger.equal(f"kpi.incidents: vehicle-days to {months} months", of_age.height,
                     kpi[f"vehicles_to_{months}m"].sum())  # fmt: skip
        hit = of_age.join(faults, on=["vehicle_id", "date"])
        ledger.equal(f"kpi.incidents: faults to {months} months", hit.height, kpi[f"episodes_to_{months}m"].sum())


def test_workshop_visits_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    kpi, visits = clean.found("kpi.workshop"), clean.truth("workshop_visits")
    done = visits.filter(pl.col("completed_at").dt.date() <= LAST)
    days = (done["completed_at"] - done["arrived_at"]).dt.total_microseconds() / 86_400_000_000
    ledger.equal("kpi.workshop: visits", visits.height, kpi["visits"].sum())
    ledger.equal("kpi.workshop: for a repair", (visits["reason"] == "repair").sum(), kpi["repair_visits"].sum())
    ledger.equal("kpi.workshop: ended", done.height, kpi["completed_visits"].sum())
    ledger.near("kpi.workshop: days there", days.sum(), kpi["days_in_workshop"].sum(), 1e-9)
    ledger.near("kpi.workshop: squares", (days**2).sum(), kpi["days_in_workshop_squared"].sum(), 1e-9)
    # In fourteen days every second visit is one within 30.
    again = visits.height - visits["vehicle_id"].n_unique()
    ledger.equal("kpi.workshop: within 30 days of another", again, kpi["repeat_visits"].sum())


def test_commands_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    kpi, commands = clean.found("kpi.commands"), clean.truth("commands")
    by = ["command", "channel"]
    counts = ["commands", "succeeded_commands", "failed_commands", "expired_commands", "unanswered_commands"]
    outcome = pl.col("outcome")
    truth = commands.group_by(by).agg(
        commands=pl.len(), succeeded_commands=(outcome == "succeeded").sum(),
        failed_commands=(outcome == "failed").sum(), expired_commands=(outcome == "expired").sum(),
        unanswered_commands=(outcome == "unanswered").sum(),
    )  # fmt: skip
    found = kpi.group_by(by).agg(pl.col(*counts).sum())
    assert found.sort(by).rows() == truth.select(found.columns).sort(by).rows()
    ledger.equal("kpi.commands: commands", commands.height, kpi["commands"].sum())
    day = pl.col("issued_at").dt.date()
    ledger.equal("kpi.commands: vehicles, each once a day", commands.select("vehicle_id", day).n_unique(),
                 kpi["vehicles"].sum())  # fmt: skip
    took = commands.filter(outcome == "succeeded").select(s=(pl.col("finished_at") - pl.col("issued_at")))
    seconds = took["s"].dt.total_microseconds() / 1e6
    ordered = kpi.filter(pl.col("timed_commands") > 0).group_by("log_bucket").agg(pl.col("timed_commands").sum())
    ordered = ordered.sort("log_bucket").with_columns(up_to=pl.col("timed_commands").cum_sum())
    for share in (0.5, 0.95):
        bucket = ordered.filter(pl.col("up_to") >= share * ordered["timed_commands"].sum())["log_bucket"][0]
        found_s = 1.02**bucket * (1 + 1 / 1.02) / 2
        true_s = float(seconds.sort()[int(share * len(seconds))])
        ledger.near(f"kpi.commands: s to success, {share:.0%}", true_s, found_s, 0.02)


def test_software_is_what_was_installed(clean: Fleet, ledger: Ledger) -> None:
    installs = clean.truth("software_installs").filter(pl.col("targeted_at").dt.date() <= LAST)
    ended = installs.filter(pl.col("outcome") == "installed", pl.col("finished_at").dt.date() <= LAST)
    rollouts, kpi = clean.found("kpi.rollouts"), clean.found("kpi.installs")
    versions = clean.found("kpi.versions")
    now = rollouts.filter(_on(LAST))
    ledger.equal("kpi.rollouts: targeted by the last day", installs.height, now["targeted_vehicles"].sum())
    ledger.equal("kpi.rollouts: installed by the last day", ended.height, now["installed_vehicles"].sum())
    ledger.equal("kpi.rollouts: installations", ended.height, rollouts["installed_today"].sum())
    for day in _days():
        by_then = (pl.col("targeted_at").dt.date() <= day), (pl.col("finished_at").dt.date() <= day)
        of_day = rollouts.filter(_on(day))
        assert of_day["targeted_vehicles"].sum() == installs.filter(by_then[0]).height
        assert of_day["installed_vehicles"].sum() == ended.filter(by_then[1]).height
    ledger.equal("kpi.installs: targeted", installs.height, kpi["targeted_vehicles"].sum())
    heard = installs.filter("complete")
    ledger.within("kpi.installs: attempts", kpi["attempts"].sum(), heard["attempts"].sum(), installs["attempts"].sum())
    ledger.within("kpi.installs: failures", kpi["failures"].sum(), heard["failures"].sum(), installs["failures"].sum())
    newest = versions.filter(_on(LAST))
    ledger.equal("kpi.versions: offered a version", installs["vehicle_id"].n_unique(), newest["offered_vehicles"].sum())
    ledger.equal("kpi.versions: up to date", ended.height, newest["up_to_date_vehicles"].sum())
    by_version = (
        clean.found("core.vehicle_days").filter(_on(LAST)).group_by("software_version").len().sort("software_version")
    )
    found = newest.group_by("software_version").agg(pl.col("vehicles").sum()).sort("software_version")
    assert found.rows() == by_version.rows()


def test_batteries_are_as_healthy_as_they_are(clean: Fleet, ledger: Ledger) -> None:
    kpi = clean.found("kpi.battery_health").filter(_on(LAST), pl.col("known_vehicles") > 0)
    truth = clean.truth("battery").sort("date").unique("vehicle_id", keep="last")
    share = 100 * truth["capacity_kwh"] / truth["capacity_new_kwh"]
    ledger.within("kpi.battery_health: batteries known", kpi["known_vehicles"].sum(), 1, truth.height)
    weak = share.filter(share < 80.5).len()  # an estimate is off by half a point at most
    ledger.within("kpi.battery_health: below 80 %", kpi["below_80_vehicles"].sum(), 0, weak)
    below = kpi.select(pl.col("log_bucket").min()).item()
    ledger.within("kpi.battery_health: worst class, %", 1.02**below, share.min() * 0.98, 100)  # type: ignore[operator]
    fade = clean.found("kpi.battery_health")
    lost = fade["fade_pct_km"].sum() / fade["known_km"].sum()
    ledger.within("kpi.battery_health: fade by km", lost, 100 - share.max() - 0.5, 100 - share.min())  # type: ignore[operator]


def test_health_classes_hold_the_open_faults(clean: Fleet, ledger: Ledger) -> None:
    kpi, faults, reported = clean.found("kpi.vehicle_health"), _faults(clean), _reported(clean)
    classes = kpi["healthy_vehicles"] + kpi["attention_vehicles"] + kpi["act_now_vehicles"]
    assert (classes == kpi["reporting_vehicles"]).all()
    ledger.equal("kpi.vehicle_health: reporting vehicle-days", reported.height, kpi["reporting_vehicles"].sum())
    for day in _days():
        is_open = faults.filter(pl.col("date") <= day, (pl.col("cleared_on") > day).fill_null(value=True))
        is_open = is_open.join(reported.filter(_on(day)), on="vehicle_id")
        lit = is_open.filter(pl.col("code").is_in(LIT))
        now = kpi.filter(_on(day))
        assert now["act_now_vehicles"].sum() >= lit["vehicle_id"].n_unique()
        cared_for = now["act_now_vehicles"].sum() + now["attention_vehicles"].sum()
        assert cared_for >= is_open["vehicle_id"].n_unique()
    failed = clean.truth("failures").filter(pl.col("repaired_on").is_null(), pl.col("failed_on") <= LAST)
    worn = failed.filter(cause="brake_wear").height
    ledger.within("kpi.vehicle_health: worn pads", kpi.filter(_on(LAST))["brakes_worn_vehicles"].sum(), worn, 60)


def test_conditions_are_those_of_what_was_said_last(clean: Fleet, ledger: Ledger) -> None:
    """Without dirt what a vehicle says is true; parts that have failed and are not repaired show."""
    kpi = clean.found("kpi.vehicle_health").filter(_on(LAST))
    sent = clean.found("raw.telemetry").filter(pl.col("event_date") <= LAST).sort("event_at", "sequence")
    last = sent.group_by("vehicle_id").agg(pl.col("service_distance_km", "brake_pad_wear_pct").drop_nulls().last())
    for part, of, sign in (
        ("service_overdue_vehicles", "service_distance_km", pl.col("service_distance_km") < 0),
        ("brakes_worn_vehicles", "brake_pad_wear_pct", pl.col("brake_pad_wear_pct") >= 80),
    ):
        known = part.replace("overdue", "known").replace("worn", "known")
        ledger.equal(f"kpi.vehicle_health: {known}", last[of].count(), kpi[known].sum())
        ledger.equal(f"kpi.vehicle_health: {part}", last.filter(sign).height, kpi[part].sum())
    failures = clean.truth("failures").filter(pl.col("began_on") <= LAST)
    failed = failures.filter(pl.col("failed_on") <= LAST, pl.col("repaired_on").is_null())
    heard = _reported(clean)["vehicle_id"].n_unique()
    for name, cause in (("lv_battery", "lv_battery"), ("tyres", "tyre_leak")):
        ledger.within(f"kpi.vehicle_health: {name}_known_vehicles, of {heard}", kpi[f"{name}_known_vehicles"].sum(),
                      0.9 * heard, heard)  # fmt: skip
        few, most = (frame.filter(cause=cause)["vehicle_id"].n_unique() for frame in (failed, failures))
        ledger.within(f"kpi.vehicle_health: {name}_low_vehicles", kpi[f"{name}_low_vehicles"].sum(), few, most)


def test_dirt_changes_little(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    """Each lost or wrong message may change one row, as in core; the rest is the same."""
    for table, part, share in (
        ("kpi.faults", "episodes", 0.1), ("kpi.fault_codes", "cleared_episodes", 0.15), ("kpi.workshop", "visits", 0.0),
        ("kpi.commands", "succeeded_commands", 0.02), ("kpi.installs", "targeted_vehicles", 0.05),
        ("kpi.vehicle_health", "reporting_vehicles", 0.02),
    ):  # fmt: skip
        there, again = clean.found(table)[part].sum(), dirty.found(table)[part].sum()
        ledger.near(f"{table}: {part}, dirty", there, again, share)
