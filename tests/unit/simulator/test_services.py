"""Connected services: their lives keep to the rules, and the truth is what the messages say."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.raw.events import SERVICE_EVENTS
from lake.schemas.raw.registries import CONSENTS, PLANS, SUBSCRIPTION_EVENTS
from lake.schemas.raw.rows import SERVICES
from simulator.lineup import MODELS, services
from simulator.services import offers
from simulator.services.adoption import NEVER_MS, Fates, make_fates
from simulator.services.concern import Services
from simulator.services.statements import statements
from simulator.told import Told
from simulator.world import DAY_MS, MARKET_WEIGHTS, day_ms
from tests.unit.simulator.living import FIRST_DAY, fleet_of, joined, lived, told

VEHICLES, DAYS = 600, 100
FLEET = fleet_of(VEHICLES)
CELL = ["vehicle", "service"]


@pytest.fixture(scope="module")
def days() -> list[tuple[date, Told]]:
    return list(told(Services(5, 0, FLEET, FIRST_DAY), FLEET, DAYS))


@pytest.fixture(scope="module")
def fates() -> Fates:
    return make_fates(FLEET, 5, 0, FIRST_DAY)


@pytest.fixture(scope="module")
def subscriptions(days: list[tuple[date, Told]]) -> pl.DataFrame:
    return joined(days, "subscription").sort("vehicle", "event_ms")


@pytest.fixture(scope="module")
def consents(days: list[tuple[date, Told]]) -> pl.DataFrame:
    return joined(days, "consent").sort("vehicle", "event_ms")


@pytest.fixture(scope="module")
def used(days: list[tuple[date, Told]]) -> pl.DataFrame:
    return joined(days, "service").sort("vehicle", "event_ms")


@pytest.fixture(scope="module")
def truth(days: list[tuple[date, Told]]) -> pl.DataFrame:
    return joined(days, "services", of="truth").unique(["vin", "service"], keep="last", maintain_order=True)


def test_only_known_codes_are_said(consents: pl.DataFrame, subscriptions: pl.DataFrame, used: pl.DataFrame) -> None:
    assert offers.SERVICES == SERVICES
    assert set(consents["status"]) == set(CONSENTS)
    assert set(subscriptions["event"]) == set(SUBSCRIPTION_EVENTS)
    assert set(subscriptions["plan"]) == {*PLANS, None}
    assert set(used["event"]) == set(SERVICE_EVENTS)
    assert set(used["service"]) == set(SERVICES)


def test_services_are_those_that_the_registry_lists(consents: pl.DataFrame) -> None:
    listed = dict(enumerate(FLEET.registry["services"].to_list()))
    for vehicle, service in consents.select(CELL).unique().iter_rows():
        assert service in listed[vehicle].split(",")
    assert all(listed[v] == "" for v in np.flatnonzero(~FLEET.connected))


def test_market_model_and_trim_decide_what_is_offered() -> None:
    rich = next(m for m in MODELS if m.automation_level == 3 and "BEV" in m.powertrains)
    poor = next(m for m in MODELS if m.automation_level == 0)
    assert services(rich, "BEV", 2, "FR") == SERVICES
    assert services(poor, "ICE", 2, "FR") == ("vehicle_finder", "remote_diagnostics")
    assert "navigation" not in services(rich, "BEV", 0, "FR")
    assert not {"automated_driving", "productivity"} & set(services(rich, "BEV", 2, "IN"))
    for model in MODELS:
        for market in MARKET_WEIGHTS:
            assert "charging" not in services(model, "HEV", 2, market)


def test_no_activation_without_consent(consents: pl.DataFrame, subscriptions: pl.DataFrame) -> None:
    granted = consents.filter(status="granted").select(*CELL, granted_ms="event_ms")
    withdrawn = consents.filter(status="withdrawn").select(*CELL, withdrawn_ms="event_ms")
    activated = subscriptions.filter(event="activated")
    assert granted.select(CELL).is_unique().all()
    assert activated.select(CELL).is_unique().all()
    both = activated.join(granted, on=CELL, how="left").join(withdrawn, on=CELL, how="left")
    assert (both["granted_ms"] < both["event_ms"]).all()
    assert both["granted_ms"].null_count() == 0
    assert (both["event_ms"] < both["withdrawn_ms"].fill_null(NEVER_MS)).all()


ALLOWED = {
    None: {"activated"},
    "activated": {"trial_started", "started", "expired", "deactivated"},
    "trial_started": {"started", "expired", "deactivated"},
    "started": {"renewed", "cancelled", "expired", "deactivated"},
    "renewed": {"renewed", "cancelled", "expired", "deactivated"},
    "cancelled": {"expired", "deactivated"},
    "expired": {"started", "deactivated"},
    "deactivated": set(),
}


def _changes(said: pl.DataFrame) -> set[tuple[str | None, str]]:
    """Follows the lives of services (statements with ``cell``); returns which step came after which."""
    seen: set[tuple[str | None, str]] = set()
    lives: dict[int, tuple[str | None, int]] = {}
    for cell, at, event, until in said.sort("event_ms").select("cell", "event_ms", "event", "until").iter_rows():
        before, covered = lives.get(cell, (None, -1))
        day = at // DAY_MS
        assert event in ALLOWED[before], (before, event)
        if event in ("started", "renewed", "trial_started"):
            assert event != "renewed" or day == covered
            assert until >= day
        if event == "cancelled":
            assert day <= until == covered
        if event == "expired" and before != "activated":
            assert day == until + 1 == covered + 1
        lives[cell] = (event, until if until is not None else covered)
        seen.add((before, event))
    return seen


def _said(fates: Fates, first_day: date, days: int) -> pl.DataFrame:
    return pl.concat([statements(fates, day_ms(first_day + timedelta(days=k))) for k in range(days)])


def test_every_life_is_one_that_the_rules_allow() -> None:
    fleet = fleet_of(3000)
    said = _said(make_fates(fleet, 5, 0, FIRST_DAY), FIRST_DAY, 120)
    seen = _changes(said.filter(~pl.col("event").is_in(CONSENTS)))
    assert {("trial_started", "expired"), ("trial_started", "started"), ("expired", "started"), ("started", "renewed"),
            ("renewed", "renewed"), ("cancelled", "expired"), ("renewed", "expired"), ("started", "deactivated"),
            ("activated", "expired")} <= seen  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), first_day=st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_lives_keep_to_the_rules_whatever_the_seed(seed: int, first_day: date) -> None:
    fates = make_fates(fleet_of(60, seed, first_day), seed, 0, first_day)
    said = _said(fates, first_day, 45)
    _changes(said.filter(~pl.col("event").is_in(CONSENTS)))
    agreed, event = said.filter(event="granted").select("cell", granted="event_ms"), pl.col("event")
    both = said.filter(event != "granted").join(agreed, on="cell", how="left")
    assert both["granted"].null_count() == 0
    assert (both["granted"] < both["event_ms"]).all()
    last = said.sort("event_ms").group_by("cell").agg(gone=event.filter(event == "withdrawn").len(), last=event.last())
    assert set(last.filter(pl.col("gone") > 0)["last"]) <= {"withdrawn", "deactivated"}


def test_what_lapses_is_told_until_the_first_day_and_then_again(subscriptions: pl.DataFrame) -> None:
    """A subscription that is not renewed expires on the day after the last one covered."""
    last = subscriptions.group_by(CELL).agg(pl.col("event").last(), pl.col("validUntil").drop_nulls().last())
    end = FIRST_DAY + timedelta(days=DAYS - 1)
    open_ = last.filter(pl.col("event").is_in(["trial_started", "started", "renewed", "cancelled"]))
    assert open_.height > 100
    assert (open_["validUntil"] >= end.isoformat()).all()


def test_services_are_used_while_they_are_covered(used: pl.DataFrame, subscriptions: pl.DataFrame) -> None:
    steps = subscriptions.filter(pl.col("event") != "cancelled").select(*CELL, "event_ms", "plan", step="event")
    starts = used.filter(pl.col("event") != "session_ended").sort("event_ms")
    found = starts.join_asof(steps.sort("event_ms"), on="event_ms", by=CELL, check_sortedness=False)
    within_session = found.filter((pl.col("event") == "used") & (pl.col("sessionId").str.starts_with("s")))
    begins = found.join(within_session, on=["vehicle", "sessionId", "event_ms"], how="anti")
    assert begins["step"].null_count() == 0
    covering = pl.col("step").is_in(["trial_started", "started", "renewed"])
    included = (pl.col("step") == "activated") & (pl.col("plan") == "included")
    assert begins.filter(~(covering | included)).is_empty()


def test_sessions_are_whole_and_inside_trips(used: pl.DataFrame) -> None:
    sessions = used.filter(pl.col("sessionId").str.starts_with("s")).group_by("vehicle", "sessionId").agg(
        start=pl.col("event_ms").filter(pl.col("event") == "session_started"),
        end=pl.col("event_ms").filter(pl.col("event") == "session_ended"),
        uses=pl.col("event_ms").filter(pl.col("event") == "used").sort(),
        account=pl.col("account").n_unique(), service=pl.col("service").n_unique(),
    )  # fmt: skip
    assert (sessions["start"].list.len() == 1).all()
    assert (sessions["end"].list.len() == 1).all()
    assert ((sessions["account"] == 1) & (sessions["service"] == 1)).all()
    flat = sessions.with_columns(pl.col("start", "end").list.first())
    inside = flat.select((pl.col("uses").list.first() > pl.col("start")) & (pl.col("uses").list.last() < pl.col("end")))
    assert inside.to_series().all()
    assert (flat["uses"].list.n_unique() == flat["uses"].list.len()).all()
    legs = pl.concat([
        pl.DataFrame({"vehicle": day.legs.vehicle, "begins": day.legs.start_ms, "lasts": day.legs.steps * 10_000})
        for day in (lived(FLEET, FIRST_DAY + timedelta(days=k)) for k in range(DAYS))
    ])  # fmt: skip
    trip = flat.sort("start").join_asof(
        legs.sort("begins"), left_on="start", right_on="begins", by="vehicle", check_sortedness=False
    )
    assert (trip["end"] <= trip["begins"] + trip["lasts"]).all()


def test_the_truth_of_sessions_is_what_the_messages_say(days: list[tuple[date, Told]], used: pl.DataFrame) -> None:
    vin = FLEET.vin_texts.gather(used["vehicle"])
    found = used.with_columns(vin).group_by("vin", "service", session_id="sessionId").agg(
        started_at=pl.col("event_ms").min(), ended_at=pl.col("event_ms").max(),
        uses=(pl.col("event") == "used").sum().cast(pl.Int64), last_ms=pl.col("event_ms").max(),
    )  # fmt: skip
    said = joined(days, "service_sessions", of="truth").with_columns(pl.col("started_at", "ended_at").dt.epoch("ms"))
    key = ["vin", "service", "session_id"]
    assert_frame_equal(found.sort(key), said.sort(key), check_column_order=False)


def _ends(subscriptions: pl.DataFrame) -> pl.DataFrame:
    """The last day covered, of services that are covered no more."""
    ended: dict[tuple[int, str], date | None] = {}
    for vehicle, service, event, at, until in subscriptions.sort("event_ms").select(
        *CELL, "event", pl.from_epoch("event_ms", time_unit="ms").dt.date(), pl.col("validUntil").str.to_date()
    ).iter_rows():  # fmt: skip
        key = (vehicle, service)
        ended[key] = {"expired": until, "deactivated": ended.get(key) or at}.get(event)
    return pl.DataFrame([(*key, end) for key, end in ended.items()], schema=[*CELL, "ended_on"], orient="row")


def test_the_truth_of_services_is_what_the_messages_say(
    truth: pl.DataFrame, consents: pl.DataFrame, subscriptions: pl.DataFrame, used: pl.DataFrame
) -> None:
    event, at = pl.col("event"), pl.from_epoch("event_ms", time_unit="ms").cast(pl.Datetime("us", "UTC"))
    vins = pl.DataFrame({"vehicle": np.arange(VEHICLES), "vin": FLEET.vins})
    until = pl.col("validUntil").str.to_date()

    def when(name: str) -> pl.Expr:
        return at.filter(event == name).first()

    lives = subscriptions.group_by(CELL).agg(
        activated_at=when("activated"),
        trial_from=when("trial_started").dt.date(),
        trial_until=until.filter(event == "trial_started").first(),
        paid_from=when("started").dt.date(),
        renewals=(event == "renewed").sum().cast(pl.Int64),
        cancelled_at=when("cancelled"),
        deactivated_at=when("deactivated"),
    )
    agreed = consents.group_by(CELL).agg(
        consented_at=at.filter(pl.col("status") == "granted").first(),
        withdrawn_at=at.filter(pl.col("status") == "withdrawn").first(),
    )
    first_used = used.group_by(CELL).agg(first_used_at=at.min())
    lives = lives.join(_ends(subscriptions), on=CELL)
    found = agreed.join(lives, on=CELL, how="left").join(first_used, on=CELL, how="left").join(vins, on="vehicle")
    key = ["vin", "service"]
    said = truth.filter(pl.col("consented_at").is_not_null() | pl.col("withdrawn_at").is_not_null()).sort(key)
    found = found.with_columns(pl.col("renewals").fill_null(0), equipped=pl.lit(value=True)).sort(key)
    assert_frame_equal(found.select(said.columns), said)


def test_every_delivered_vehicle_has_a_row_per_service(truth: pl.DataFrame) -> None:
    end = FIRST_DAY + timedelta(days=DAYS - 1)
    there = FLEET.registry.filter((pl.col("delivered_on") <= end) & (pl.col("services") != ""))
    expected = there.select("vin", pl.col("services").str.split(",").alias("service")).explode("service")
    assert set(truth.select("vin", "service").iter_rows()) == set(expected.iter_rows())
    assert truth["equipped"].all()


def test_new_vehicles_go_through_the_funnel(truth: pl.DataFrame) -> None:
    new = FLEET.registry.filter(pl.col("delivered_on").is_between(FIRST_DAY, FIRST_DAY + timedelta(days=30)))
    rows = truth.join(new.select("vin", "delivered_on"), on="vin")
    assert rows.height > 80
    shares = [
        rows[name].is_not_null().mean() for name in ("consented_at", "activated_at", "first_used_at", "paid_from")
    ]
    assert 0.9 > shares[0] > shares[1] > shares[2] > shares[3] > 0.02
    consented = rows.filter(pl.col("consented_at").is_not_null())
    assert (consented["consented_at"].dt.date() >= consented["delivered_on"]).all()
    assert (consented["consented_at"].dt.date() == consented["delivered_on"]).mean() > 0.5


def test_habits_stay_and_curiosity_fades(fates: Fates) -> None:
    vehicle, service = np.nonzero(fates.activated_ms < NEVER_MS)
    new, later = (fates.eagerness(vehicle, service, fates.activated_ms[vehicle, service] + d * DAY_MS) for d in (1, 90))
    habit = fates.habitual[vehicle, service]
    assert (later[habit] > 0.85 * new[habit]).all()
    assert (later[~habit] <= 0.06 * new[~habit]).all()
    assert 0.1 < (new[~habit] == 0).mean() < 0.3


def test_markets_differ() -> None:
    fleet = fleet_of(20_000)
    fates, market = make_fates(fleet, 5, 0, FIRST_DAY), fleet.registry["market"].to_numpy()
    agrees = fates.consented_ms < NEVER_MS
    share = {m: agrees[market == m].sum() / fates.has[market == m].sum() for m in ("CN", "DE")}
    assert share["CN"] > share["DE"] + 0.1
    social = offers.INDEX["social"]
    liked = {m: fates.intensity[(market == m) & fates.has[:, social], social].mean() for m in ("CN", "FR")}
    assert liked["CN"] > 1.5 * liked["FR"]


def test_a_day_is_the_same_taken_up_from_a_saved_state(days: list[tuple[date, Told]]) -> None:
    day, now = days[41]
    again = Services(5, 0, fleet_of(VEHICLES), FIRST_DAY).live(day, days[40][1].state, lived(FLEET, day))
    for kind, frame in now.events.items():
        assert_frame_equal(again.events[kind], frame)
    for table, frame in now.truth.items():
        assert_frame_equal(again.truth[table], frame)
    assert_frame_equal(again.state, now.state)


def test_another_seed_is_another_life() -> None:
    one, other = (statements(make_fates(FLEET, seed, 0, FIRST_DAY), day_ms(FIRST_DAY)) for seed in (5, 6))
    assert not one.equals(other)


def test_the_first_day_says_nothing_twice() -> None:
    """What ends just then, or is paid for again, is both past and news."""
    fleet = fleet_of(20_000)
    said = statements(make_fates(fleet, 5, 0, FIRST_DAY), day_ms(FIRST_DAY))
    assert said.select("cell", "event").is_unique().all()
    assert said.filter(event="expired").height > 1000
    assert (said["event_ms"] // DAY_MS == day_ms(FIRST_DAY) // DAY_MS).all()
