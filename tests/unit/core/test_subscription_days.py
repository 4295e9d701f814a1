"""How each service of each vehicle stands on each day, against the rules spelt out step by step."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.schemas import core
from lake.schemas.raw import Consents, SoftwareEvents, Subscriptions, Vehicles
from tests.unit.core.registries import DAYS, FIRST, HOURS, LAST, day, raw, resent, vehicle_id
from transforms.core.subscription_days import subscription_days
from transforms.core.vehicles import vehicles

Rows = list[dict[str, Any]]


def computed(
    told: Rows, steps: Rows, consents: Rows, first: date = FIRST, last: date = LAST, seed: int | None = None
) -> pl.DataFrame:
    known = vehicles(raw(Vehicles, told), SoftwareEvents.create_empty(), first, last)
    frames = [raw(Subscriptions, steps), raw(Consents, consents)]
    if seed is not None:
        frames = [resent(frame, seed) for frame in frames]
    return core.SubscriptionDays.validate(subscription_days(known, *frames, first, last))


def media(steps: Rows, consents: Rows | None = None, last: date = LAST) -> list[dict[str, Any]]:
    """The days of one service of one vehicle that is delivered on the first day."""
    told = [{"h": 0, "delivered_on": FIRST, "services": "media"}]
    named = [[row | {"service": "media"} for row in rows] for rows in (steps, consents or [])]
    return computed(told, *named, last=last).rows(named=True)


def told_by(rows: list[dict[str, Any]], *names: str) -> list[Any]:
    return [tuple(row[name] for name in names) if len(names) > 1 else row[names[0]] for row in rows]


def test_a_delivered_vehicle_has_a_row_per_service_and_day() -> None:
    told = [
        {"h": 0, "vehicle": "a", "delivered_on": day(1), "services": "media, navigation,teleportation"},
        {"h": 0, "vehicle": "b", "delivered_on": day(1)},
        {"h": 48, "vehicle": "a", "delivered_on": day(1), "services": "media"},
    ]
    rows = computed(told, [], [], last=day(2)).rows(named=True)
    assert told_by(rows, "date", "service") == [(day(1), "media"), (day(1), "navigation"), (day(2), "media")]
    assert {row["vehicle_id"] for row in rows} == {vehicle_id("a")}
    assert all(row["equipped"] and row["subscription"] == "none" and not row["consented"] for row in rows)


def test_a_service_that_was_subscribed_though_not_fitted_is_told() -> None:
    told = [{"h": 0, "delivered_on": day(0)}]
    steps = [{"h": 30, "service": "social", "event": "activated"}]
    (row,) = computed(told, steps, [], last=day(1)).rows(named=True)
    assert (row["date"], row["service"], row["equipped"], row["activated"]) == (day(1), "social", False, True)
    assert computed([], steps, []).is_empty()


def test_consent_stands_from_its_day_until_it_is_withdrawn() -> None:
    rows = media(
        [],
        [
            {"h": 30, "status": "granted"},
            {"h": 60, "status": "granted", "policy_version": "2"},
            {"h": 80, "status": "withdrawn"},
            {"h": 100, "status": "granted"},
        ],
        last=day(5),
    )
    assert told_by(rows, "consented", "consented_on") == [
        (False, None), (True, day(1)), (True, day(1)), (False, None), (True, day(4)), (True, day(4)),
    ]  # fmt: skip


def test_activation_is_remembered_when_the_service_is_taken_down() -> None:
    steps = [{"h": 30, "event": "activated"}, {"h": 60, "event": "deactivated"}, {"h": 80, "event": "activated"}]
    rows = media(steps, last=day(3))
    assert told_by(rows, "activated", "activated_on") == [
        (False, None), (True, day(1)), (False, day(1)), (True, day(1)),
    ]  # fmt: skip


def test_a_trial_is_followed_by_paid_months_that_lapse_after_a_cancellation() -> None:
    steps = [
        {"h": 1, "event": "trial_started", "valid_until": day(1)},
        {"h": 40, "event": "started", "plan": "monthly", "valid_until": day(2)},
        {"h": 70, "event": "renewed", "valid_until": day(4)},
        {"h": 80, "event": "cancelled"},
        {"h": 120, "event": "expired"},
    ]
    rows = media(steps, last=day(6))
    assert told_by(rows, "subscription", "plan", "started_on", "valid_until", "cancelled", "renewals") == [
        ("trial", "trial", day(0), day(1), False, 0),
        ("paid", "monthly", day(1), day(2), False, 0),
        ("paid", "monthly", day(1), day(4), False, 1),
        ("paid", "monthly", day(1), day(4), True, 1),
        ("paid", "monthly", day(1), day(4), True, 1),
        ("none", None, None, None, False, 1),
        ("none", None, None, None, False, 1),
    ]


def test_an_included_service_is_covered_without_end() -> None:
    rows = media([{"h": 30, "event": "activated", "plan": "included"}], last=day(2))
    assert told_by(rows, "subscription", "valid_until") == [("none", None), ("included", None), ("included", None)]


def test_an_expiry_before_its_time_ends_the_cover_with_the_day_before() -> None:
    steps = [{"h": 1, "event": "started", "plan": "annual", "valid_until": day(300)}, {"h": 50, "event": "expired"}]
    assert told_by(media(steps, last=day(3)), "subscription") == ["paid", "paid", "none", "none"]
    open_ended = [{"h": 1, "event": "started"}, {"h": 50, "event": "expired"}]
    assert told_by(media(open_ended, last=day(3)), "subscription") == ["paid", "paid", "none", "none"]
    in_time = [{"h": 1, "event": "started", "valid_until": day(2)}, {"h": 71, "event": "expired"}]
    assert told_by(media(in_time, last=day(3)), "subscription") == ["paid", "paid", "paid", "none"]


def test_a_service_that_was_taken_down_is_not_covered_until_it_is_set_up_again() -> None:
    steps = [
        {"h": 1, "event": "started", "plan": "annual", "valid_until": day(300)},
        {"h": 25, "event": "deactivated"},
        {"h": 50, "event": "activated"},
    ]
    rows = media(steps, last=day(2))
    assert told_by(rows, "subscription", "started_on") == [("paid", day(0)), ("none", None), ("paid", day(0))]


def test_a_moment_in_which_a_trial_ends_and_payment_begins_is_paid() -> None:
    steps = [
        {"h": 0, "event": "trial_started", "valid_until": day(0)},
        {"h": 24, "event": "started", "plan": "monthly", "valid_until": day(9)},
        {"h": 24, "event": "expired"},
    ]
    assert told_by(media(steps, last=day(2)), "subscription") == ["trial", "paid", "paid"]


# the rules, spelt out


def _stands(told: Rows, steps: Rows, consents: Rows, vehicle: str, service: str, on: date) -> dict[str, Any] | None:
    """One row by going through what was said, step by step."""
    of_vehicle = [row for row in sorted(told, key=_moment) if row["vehicle"] == vehicle]
    # The first statement holds from the delivery on.
    said = [row for row in of_vehicle if _day(row) <= on] or of_vehicle[:1]
    if not said or (said[-1]["delivered_on"] or _day(said[-1])) > on:
        return None
    equipped = service in (said[-1]["services"] or "").split(",")
    mine = [
        [r for r in sorted(rows, key=_moment) if (r["vehicle"], r["service"]) == (vehicle, service) and _day(r) <= on]
        for rows in (steps, consents)
    ]
    if not equipped and not mine[0]:
        return None
    row: dict[str, Any] = dict.fromkeys(core.SubscriptionDays.column_names())
    row |= {"date": on, "vehicle_id": vehicle_id(vehicle), "service": service, "equipped": equipped}
    row |= {"consented": False, "activated": False, "renewals": 0}
    cover: dict[str, Any] | None = None
    for step in mine[0]:
        event, plan, today = step["event"], step["plan"], _day(step)
        if event == "activated":
            row |= {"activated": True, "down": False, "activated_on": row["activated_on"] or today}
        if event == "deactivated":
            row |= {"activated": False, "down": True}
        if event in ("trial_started", "started", "renewed") or (event == "activated" and plan == "included"):
            before = cover if event == "renewed" else None
            by_name = "trial" if event == "trial_started" else "paid"
            state = {"included": "included", "trial": "trial", None: by_name}.get(plan, "paid")
            kept = before["plan"] if before else None
            cover = {
                "subscription": state, "plan": plan or ("trial" if event == "trial_started" else kept),
                "started_on": before["started_on"] if before else today, "valid_until": step["valid_until"],
                "cancelled": False, "until": step["valid_until"] or date.max,
            }  # fmt: skip
            row["renewals"] = (row["renewals"] if before else 0) + (event == "renewed")
        elif cover and step["valid_until"]:
            cover |= {"valid_until": step["valid_until"], "until": step["valid_until"]}
        if cover and event == "cancelled":
            cover["cancelled"] = True
        if cover and event == "expired":
            cover["expired_on"] = today
        if cover and cover.get("expired_on") and cover["expired_on"] < (cover["valid_until"] or date.max):
            cover["until"] = cover["expired_on"] - timedelta(1)
    if cover and on <= cover["until"] and not row.pop("down", False):
        row |= {name: cover[name] for name in ("subscription", "plan", "started_on", "valid_until", "cancelled")}
    else:
        row |= {"subscription": "none", "cancelled": False}
    row.pop("down", None)
    return row | _consent(mine[1])


def _consent(said: Rows) -> dict[str, Any]:
    """What consent stands after some statements."""
    since: date | None = None
    for statement in said:
        since = (since or _day(statement)) if statement["status"] == "granted" else None
    return {"consented": since is not None, "consented_on": since}


def _moment(row: dict[str, Any]) -> tuple[float, int]:
    return row["h"], row["sequence"]


def _day(row: dict[str, Any]) -> date:
    return FIRST + timedelta(hours=row["h"])


_NUMBERED = {"h": HOURS, "vehicle": st.sampled_from("ab")}
_SERVICE = st.sampled_from(["media", "social"])
_TOLD = st.fixed_dictionaries(
    _NUMBERED
    | {
        "services": st.sampled_from([None, "media", "media,social"]),
        "delivered_on": st.sampled_from([None, day(-9), day(3)]),
    }
)
_STEP = st.fixed_dictionaries(
    _NUMBERED
    | {
        "service": _SERVICE,
        "event": st.sampled_from(
            ["activated", "trial_started", "started", "renewed", "cancelled", "expired", "deactivated"]
        ),
        "plan": st.sampled_from([None, None, "included", "trial", "monthly", "annual"]),
        "valid_until": st.sampled_from([None, day(0), day(2), day(5), day(40)]),
    }
)
_CONSENT = st.fixed_dictionaries(_NUMBERED | {"service": _SERVICE, "status": st.sampled_from(["granted", "withdrawn"])})


def _numbered(rows: Rows) -> Rows:
    return [row | {"sequence": number} for number, row in enumerate(rows)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_TOLD, max_size=4).map(_numbered),
    st.lists(_STEP, max_size=14).map(_numbered),
    st.lists(_CONSENT, max_size=6).map(_numbered),
    st.integers(0, 9),
    st.integers(1, DAYS),
)
def test_every_window_gives_what_the_rules_say(
    told: Rows, steps: Rows, consents: Rows, seed: int, piece: int
) -> None:  # fmt: skip
    expected = [
        row
        for n in range(DAYS)
        for vehicle in "ab"
        for service in ("media", "social")
        if (row := _stands(told, steps, consents, vehicle, service, day(n)))
    ]
    parts = [
        computed(told, steps, consents, day(n), min(day(n + piece - 1), LAST), seed) for n in range(0, DAYS, piece)
    ]
    assert pl.concat(parts).rows(named=True) == expected
