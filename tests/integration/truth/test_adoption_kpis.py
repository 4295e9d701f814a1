"""KPIs of adoption are those of the lives that services had, and show the market whose trials expire."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from math import ceil, log

import duckdb
import polars as pl
import pytest

from lake.schemas.raw.rows import SERVICES
from metrics.loading import SQL_FOLDER
from simulator.services import offers
from tests.integration.truth.adoption import CELL, Life, lived_through, stated
from tests.integration.truth.fleets import Ledger
from tests.unit.simulator.living import FIRST_DAY

_ASKED = 14  # days after which a trial or a period is asked
_EVER = date(2100, 1, 1)


@pytest.fixture(scope="module")
def life() -> Life:
    """The services of 600 vehicles in 100 days."""
    return lived_through(600, 100)


@pytest.fixture(scope="module")
def services(life: Life) -> pl.DataFrame:
    """The truth on the last day, with the last day that is covered."""
    down = pl.col("deactivated_at").dt.date()
    return life.services.with_columns(
        consented=pl.col("consented_at").is_not_null() & pl.col("withdrawn_at").is_null(),
        activated=pl.col("activated_at").is_not_null() & pl.col("deactivated_at").is_null(),
        consented_on=pl.col("consented_at").dt.date(),
        activated_on=pl.col("activated_at").dt.date(),
        first_used_on=pl.col("first_used_at").dt.date(),
        trial_end=pl.min_horizontal("trial_until", down - timedelta(1)),
        covered_until=pl.min_horizontal("ended_on", down - timedelta(1)).fill_null(_EVER),
    )


def use_days(life: Life) -> pl.DataFrame:
    """On which days what was used, and how often."""
    return life.sessions.group_by(*CELL, date=pl.col("started_at").dt.date()).agg(pl.col("uses").sum())


def within(column: str, first: date, last: date) -> pl.Expr:
    return pl.col(column).is_between(first, last)


def test_the_services_of_the_queries_are_those_of_core() -> None:
    text = (SQL_FOLDER / "kpi" / "shared" / "services.sql").read_text()
    found = duckdb.sql(text).pl()["service"]
    assert sorted(found) == sorted(SERVICES)


def test_standing_and_use(life: Life, services: pl.DataFrame, ledger: Ledger) -> None:
    parts, week, month = life.kpi("services"), life.last - timedelta(6), life.last - timedelta(27)
    used = use_days(life).join(services.filter("activated"), on=CELL, how="semi")
    delivered = life.fleet.registry.filter(pl.col("delivered_on") <= life.last).height
    recent = used.filter(within("date", month, life.last))
    today = life.sessions.filter(pl.col("started_at").dt.date() == life.last)
    minutes = (today["ended_at"] - today["started_at"]).dt.total_microseconds() / 6e7
    for part, truth in {
        "vehicles": delivered * len(SERVICES),
        "delivered_vehicles": delivered * len(SERVICES),
        "equipped_vehicles": services.height,
        "consented_vehicles": services["consented"].sum(),
        "activated_vehicles": services["activated"].sum(),
        "active_7d_vehicles": used.filter(within("date", week, life.last)).n_unique(CELL),
        "active_28d_vehicles": recent.n_unique(CELL),
        "uses_28d": recent["uses"].sum(),
        "sessions": today.height,
        "uses": today["uses"].sum(),
        "using_vehicles": today.n_unique(CELL),
        "timed_sessions": (minutes > 0).sum(),
    }.items():
        ledger.equal(f"kpi.services: {part}", truth, parts[part].sum())
    assert minutes.sum() > 0
    lengths = life.kpi("service_session_lengths", life.last)
    classes = lengths.group_by("log_bucket").agg(pl.col("timed_sessions").sum()).sort("log_bucket").rows()
    truth = Counter(ceil(log(length) / log(1.02)) for length in minutes if length > 0)
    ledger.equal("kpi.service_session_lengths: timed_sessions", truth.total(), lengths["timed_sessions"].sum())
    assert classes == sorted(truth.items())
    ledger.near("kpi.services: session_min", minutes.sum(), parts["session_min"].sum(), 1e-9)
    ledger.near("kpi.services: session_min2", (minutes**2).sum(), parts["session_min2"].sum(), 1e-9)
    for service in SERVICES:
        mine = pl.col("service") == service
        found = parts.filter(mine)["activated_vehicles"].sum()
        ledger.equal(f"kpi.services: {service} activated", services.filter(mine)["activated"].sum(), found)


def test_consents_withdrawn(life: Life, ledger: Ledger) -> None:
    withdrawn = life.services["withdrawn_at"].count()
    found = life.kpi("services", FIRST_DAY + timedelta(1))["consents_withdrawn"].sum()
    on_the_first_day = life.services.filter(pl.col("withdrawn_at").dt.date() == FIRST_DAY).height
    ledger.equal("kpi.services: consents withdrawn", withdrawn - on_the_first_day, found)
    stood = life.services.filter(
        pl.col("consented_at").dt.date() < life.last,
        pl.col("withdrawn_at").is_null() | (pl.col("withdrawn_at").dt.date() >= life.last),
    )
    ledger.equal("kpi.services: consents_before", stood.height, life.kpi("services")["consents_before"].sum())


def test_lifecycle(life: Life, services: pl.DataFrame, ledger: Ledger) -> None:
    parts, last = life.kpi("service_lifecycle"), life.last
    tried = services.filter(pl.col("first_used_on").is_not_null())
    used, month = use_days(life), last - timedelta(27)
    now = used.filter(within("date", month, last))
    before = used.filter(within("date", month - timedelta(28), month - timedelta(1)))
    new = tried.filter(pl.col("first_used_on") >= month)
    old = tried.filter(pl.col("first_used_on") < month)
    here = old.join(now, on=CELL, how="semi")
    for part, truth in {
        "equipped_vehicles": services.height,
        "tried_vehicles": tried.height,
        "tried_before_vehicles": old.height,
        "new_vehicles": new.height,
        "returning_vehicles": here.join(before, on=CELL, how="semi").height,
        "resurrected_vehicles": here.join(before, on=CELL, how="anti").height,
        "dormant_vehicles": old.join(now, on=CELL, how="anti").height,
    }.items():
        ledger.equal(f"kpi.service_lifecycle: {part}", truth, parts[part].sum())
    kinds = ("new_vehicles", "returning_vehicles", "resurrected_vehicles", "dormant_vehicles")
    assert all(parts[kind].sum() > 0 for kind in kinds)
    assert sum(parts[kind].sum() for kind in kinds) == parts["tried_vehicles"].sum()


def test_trials_renewals_and_churn(life: Life, services: pl.DataFrame, ledger: Ledger) -> None:
    parts, last = life.kpi("service_payments"), life.last
    low, high = last - timedelta(41), last - timedelta(_ASKED)
    paid_from, until = pl.col("paid_from"), pl.col("covered_until")
    trials = services.filter(within("trial_end", low, high), pl.col("trial_end") >= pl.col("trial_from"))
    in_time = (paid_from - pl.col("trial_end")).dt.total_days().is_between(1, _ASKED) & (until >= paid_from)
    renewed = life.subscriptions.filter(
        pl.col("event") == "renewed", pl.from_epoch("event_ms", time_unit="ms").dt.date().is_between(low, high)
    )
    lapsed = services.filter(paid_from.is_not_null(), pl.col("deactivated_at").is_null(), within("ended_on", low, high))
    month = last - timedelta(28)
    paid_before = services.filter(paid_from <= month, until >= month)
    for part, truth in {
        "trial_vehicles": services.filter(pl.col("trial_end") >= last, paid_from.is_null() | (paid_from > last)).height,
        "paid_vehicles": services.filter(paid_from <= last, until >= last).height,
        "ended_trials": trials.height,
        "converted_trials": trials.filter(in_time).height,
        "renewed_periods": renewed.height,
        "ended_periods": renewed.height + lapsed.height,
        "trial_end_vehicles": trials.n_unique(CELL),
        "paid_before_vehicles": paid_before.height,
        "lost_vehicles": paid_before.filter(until < last).height,
    }.items():
        ledger.equal(f"kpi.service_payments: {part}", truth, parts[part].sum())
    assert 0 < parts["converted_trials"].sum() < parts["ended_trials"].sum()
    assert 0 < parts["renewed_periods"].sum() < parts["ended_periods"].sum()


def test_funnel(life: Life, services: pl.DataFrame, ledger: Ledger) -> None:
    registry = life.fleet.registry.select("delivered_on").with_columns(vin=pl.Series(life.fleet.vins))
    cohort = services.join(registry, on="vin").filter(within("delivered_on", FIRST_DAY, life.last - timedelta(63)))
    since = {name: (pl.col(name) - pl.col("delivered_on")).dt.total_days()
             for name in ("consented_on", "activated_on", "first_used_on", "paid_from")}  # fmt: skip
    consented = cohort.filter(since["consented_on"] <= 14)
    activated = consented.filter(since["activated_on"] <= 21)
    used = activated.filter(since["first_used_on"] <= 35)
    weeks = use_days(life).join(services.select(*CELL, "first_used_on"), on=CELL)
    again = weeks.filter((pl.col("date") - pl.col("first_used_on")).dt.total_days().is_between(21, 27))
    old = pl.col("delivered_on") <= life.last - timedelta(90)
    steps = {
        "eligible": cohort,
        "consented": consented,
        "activated": activated,
        "used": used,
        "used_in_week_4": used.join(again, on=CELL, how="semi"),
    }
    parts = life.kpi("service_funnel", FIRST_DAY).filter(pl.col("date") <= life.last - timedelta(63))
    for step, truth in steps.items():
        found = parts.filter(pl.col("step") == step)["reached_vehicles"].sum()
        ledger.equal(f"kpi.service_funnel: {step}", truth.height, found)
    ledger.equal("kpi.service_funnel: vehicles", cohort.height, parts["vehicles"].sum())
    ripe = parts.filter(pl.col("date") <= life.last - timedelta(90), pl.col("step") == "paying")
    ledger.equal("kpi.service_funnel: paying", used.filter(old, since["paid_from"] <= 90).height,
                 ripe["reached_vehicles"].sum())  # fmt: skip
    assert cohort.height > used.height > 0


def test_retention(life: Life, services: pl.DataFrame, ledger: Ledger) -> None:
    began = services.filter(pl.col("activated_on").is_not_null())
    used = use_days(life).join(began.select(*CELL, "activated_on"), on=CELL)
    aged = used.with_columns(age=(pl.col("date") - pl.col("activated_on")).dt.total_days() // 7)
    parts = life.kpi("service_retention", FIRST_DAY)
    gone = began.filter(pl.col("deactivated_at").dt.date() == pl.col("activated_on")).height
    ledger.within("kpi.service_retention: began", parts["vehicles"].sum(), began.height - gone, began.height)
    for age in (0, 1, 4, 12):
        ripe = life.last - timedelta(7 * age + 6)
        truth = aged.filter(pl.col("age") == age, pl.col("activated_on") <= ripe).n_unique(CELL)
        found = parts.filter(pl.col("age_weeks") == age, pl.col("date") <= ripe)["retained_vehicles"].sum()
        ledger.equal(f"kpi.service_retention: week {age}", truth, found)


def expiring(life: Life) -> list[str]:
    """The markets that the example names."""
    with duckdb.connect() as con:
        con.execute("create schema kpi")
        con.register("payments", life.kpi("service_payments"))
        con.execute("create view kpi.service_payments as select * from payments")
        found = con.execute((SQL_FOLDER / "examples" / "markets_whose_trials_expire.sql").read_text()).pl()
    assert found.height > 5
    return found.filter("trials_expire")["market"].to_list()


def test_the_market_whose_trials_expire_is_found() -> None:
    assert expiring(stated(6000, 100)) == [offers.UNPAID_MARKET]


def test_where_payments_work_no_market_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "UNPAID_MARKET", "")
    assert expiring(stated(6000, 100)) == []
