"""The software version that makes things worse is found by the example query, and no other version is."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import partial
from itertools import pairwise

import duckdb
import polars as pl
import pytest

from lake.schemas import TABLES
from metrics import SQL_FOLDER, load_contracts
from simulator import life
from simulator.concerns import REGRESSIONS
from simulator.failures.causes import Regression
from simulator.failures.concern import Failures
from simulator.fleet import make_fleet
from simulator.life import Partition
from simulator.software import REPAIRED, WORSE, Software
from simulator.world import MARKET_WEIGHTS
from tests.integration.truth.fleets import Ledger
from transforms.kpi import run_kpi

FIRST, DAYS, VEHICLES, CADENCE_S = date(2026, 3, 2), 60, 400, 60
TRUTHS = ("trips", "fault_episodes", "software_installs")


def _lived(seed: int, regressions: tuple[Regression, ...]) -> dict[str, pl.DataFrame]:
    """What is true of a fleet that only drives, fails and gets software."""
    fleet = make_fleet(seed, VEHICLES, 0, 1, FIRST, tuple(sorted(MARKET_WEIGHTS)))
    concerns = tuple(make(seed, 0, fleet, FIRST) for make in (Software, partial(Failures, regressions=regressions)))
    partition = Partition(seed, 0, fleet, FIRST, CADENCE_S, concerns)
    carried, truths = partition.begin(), []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(life, "cloned", lambda _, sent: (sent, pl.DataFrame()))
        for k in range(DAYS):
            truths.append(partition.live(FIRST + timedelta(days=k), carried).truth)
    frames = {name: pl.concat([t[name] for t in truths if name in t], how="diagonal") for name in TRUTHS}
    return {name: frame.rename({"vin": "vehicle_id"}) for name, frame in frames.items()}


def _core(lived: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The rows of core that are made of it: what counts is who drove how far, what failed and what was installed."""

    def row(table: str, frame: pl.DataFrame) -> pl.DataFrame:
        schema = TABLES[table].schema.create_empty()
        known = frame.select(name for name in schema.columns if name in frame.columns)
        return pl.concat([schema, known.cast({n: schema.schema[n] for n in known.columns})], how="diagonal")

    trips = lived["trips"].with_columns(date=pl.col("started_at").dt.date())
    km = trips.group_by("date", "vehicle_id").agg(pl.col("distance_km").sum())
    days = pl.DataFrame({"date": pl.date_range(FIRST, FIRST + timedelta(days=DAYS - 1), eager=True)})
    spine = trips.select("vehicle_id").unique().join(days, how="cross").join(km, on=["date", "vehicle_id"], how="left")
    faults = lived["fault_episodes"].unique(["vehicle_id", "code", "set_at"], keep="last")
    installs = lived["software_installs"].unique(["vehicle_id", "campaign_id"], keep="last")
    first_step = pl.col("targeted_at")
    return {
        "core.vehicle_days": row("core.vehicle_days", spine.with_columns(pl.col("distance_km").fill_null(0))),
        "core.vehicles": TABLES["core.vehicles"].schema.create_empty(),
        "core.fault_episodes": row("core.fault_episodes", faults.with_columns(date=pl.col("set_at").dt.date())),
        "core.software_installs": row(
            "core.software_installs", installs.with_columns(date=first_step.dt.date(), first_step_at=first_step)
        ),
    }


def test_kilometres_and_faults_are_those_of_the_days_around(ledger: Ledger) -> None:
    """The nth day after an installation against the nth before it, until the next one, for 28 days."""
    core = _core(_lived(7, REGRESSIONS))
    last = FIRST + timedelta(days=DAYS - 1)
    found = run_kpi(load_contracts().table("version_faults").sql, core, FIRST, last)
    km = {row[:2]: row[2] for row in core["core.vehicle_days"].select("vehicle_id", "date", "distance_km").rows()}
    faults = Counter(core["core.fault_episodes"].select("vehicle_id", "date").rows())
    done = core["core.software_installs"].filter(outcome="installed").sort("finished_at")
    on: dict[str, list[date]] = {}
    for vehicle, at in done.select("vehicle_id", "finished_at").iter_rows():
        on.setdefault(vehicle, []).append(at.date())
    sums: Counter[str] = Counter()
    for vehicle, days in on.items():
        for day, following in pairwise([*days, date.max]):
            for n in range(1, 29):
                after, before = (vehicle, day + timedelta(n)), (vehicle, day - timedelta(n))
                if after[1] >= following or after not in km or before not in km:
                    continue
                sums["after_km"] += km[after]  # type: ignore[assignment]
                sums["before_km"] += km[before]  # type: ignore[assignment]
                sums["after_episodes"] += faults[after]
                sums["before_episodes"] += faults[before]
    for part in ("after_episodes", "before_episodes"):
        ledger.equal(f"kpi.version_faults: {part}", sums[part], found[part].sum())
        assert sums[part]
    for part in ("after_km", "before_km"):
        ledger.near(f"kpi.version_faults: {part}", sums[part], found[part].sum(), 1e-9)


def _found(core: dict[str, pl.DataFrame]) -> dict[str, dict[str, float]]:
    """What the example says of each version."""
    table = load_contracts().table("version_faults")
    rows = run_kpi(table.sql, core, FIRST, FIRST + timedelta(days=DAYS - 1))
    with duckdb.connect() as con:
        con.execute("create schema kpi")
        con.register("given", rows)
        con.execute("create table kpi.version_faults as select * from given")
        found = con.execute((SQL_FOLDER / "examples" / "versions_that_bring_faults.sql").read_text()).pl()
    return {row["to_version"]: row for row in found.iter_rows(named=True)}


def test_the_planted_regression_is_found_and_its_repair_is_none(ledger: Ledger) -> None:
    found = _found(_core(_lived(7, REGRESSIONS)))
    worse, repaired = found[WORSE], found[REPAIRED]
    ledger.within("faults per km after against before, 4.3.0", worse["low"], 1.0, worse["rate_ratio"])
    assert worse["brings_faults"]
    assert not repaired["brings_faults"]
    assert [name for name, row in found.items() if row["brings_faults"]] == [WORSE]


def test_without_it_no_version_is_found(ledger: Ledger) -> None:
    found = _found(_core(_lived(7, ())))
    assert found.keys() == {WORSE, REPAIRED}
    for version, row in found.items():
        ledger.within(f"faults per km after against before, {version}, nothing planted", 1.0, row["low"], row["high"])
        assert not row["brings_faults"]
