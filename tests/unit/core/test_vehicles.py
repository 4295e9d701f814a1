"""What each vehicle is, as of each day: the registry's last word, and the software it has since."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.schemas import core
from lake.schemas.raw import SoftwareEvents, Vehicles
from tests.unit.core.registries import DAYS, FIRST, HOURS, LAST, day, raw, resent, vehicle_id
from transforms.core.vehicles import vehicles


def found(
    told: list[dict[str, Any]], steps: list[dict[str, Any]] | None = None, first: date = FIRST, last: date = LAST
) -> list[dict[str, Any]]:
    frame = vehicles(raw(Vehicles, told), raw(SoftwareEvents, steps or []), first, last)
    return core.Vehicles.validate(frame).rows(named=True)


def step(h: float, name: str, before: str | None = None, after: str | None = None, **more: Any) -> dict[str, Any]:
    return {"h": h, "campaign_id": "C", "step": name, "from_version": before, "to_version": after} | more


def test_a_vehicle_is_there_from_the_first_statement_on_with_all_that_it_says() -> None:
    told = {
        "h": 30, "market": "FR", "model": "Onda", "trim": "comfort", "model_year": 2025, "powertrain": "BEV",
        "automation_level": 2, "delivered_on": day(2), "services": "media,navigation", "telematics_unit": True,
        "software_version": "1.0", "battery_capacity_kwh": 60.0, "tank_capacity_l": None,
    }  # fmt: skip
    rows = found([told], last=day(3))
    assert [(row["date"], row["registered"]) for row in rows] == [(day(1), False), (day(2), True), (day(3), True)]
    said = {name: value for name, value in told.items() if name != "h"}
    assert all(row | said == row for row in rows)
    assert [row["months_in_service"] for row in rows] == [None, 0, 0]


def test_the_first_statement_holds_from_the_delivery_on_also_where_it_comes_later() -> None:
    told = [
        {"h": 50, "market": "FR", "delivered_on": day(1), "software_version": "2"},
        {"h": 75, "market": "DE", "delivered_on": day(-9)},
    ]
    rows = found(told, [step(30, "installed", "0", "1")], last=day(3))
    assert [(row["date"], row["market"], row["registered"], row["software_version"]) for row in rows] == [
        (day(1), "FR", True, "1"), (day(2), "FR", True, "2"), (day(3), "DE", True, "2"),
    ]  # fmt: skip
    assert found(told[:1], last=FIRST) == []
    assert [row["market"] for row in found(told[:1], first=day(1), last=day(1))] == ["FR"]


def test_a_later_statement_replaces_an_earlier_one_wholly_from_its_day_on() -> None:
    rows = found(
        [
            {"h": 0, "market": "FR", "model": "Onda"},
            {"h": 25, "market": "DE", "sequence": 7},
            {"h": 25, "market": "ES", "sequence": 8},
            {"h": 24, "market": "GB", "sequence": 9},
        ],
        last=day(2),
    )
    assert [(row["market"], row["model"]) for row in rows] == [("FR", "Onda"), ("ES", None), ("ES", None)]


def test_resends_change_nothing_and_a_statement_after_the_last_day_neither() -> None:
    told = [{"h": 0, "market": "FR"}, {"h": 0, "market": "DE", "batch": 1}, {"h": 200, "market": "ES"}]
    assert {row["market"] for row in found(told)} == {"FR"}


def test_without_a_day_of_delivery_a_vehicle_counts_from_its_statement_on() -> None:
    rows = found([{"h": 26, "market": "FR"}], last=day(2))
    assert [(row["date"], row["registered"], row["months_in_service"]) for row in rows] == [
        (day(1), True, None),
        (day(2), True, None),
    ]


@pytest.mark.parametrize(
    ("delivered", "on", "months"),
    [
        (date(2025, 3, 1), date(2026, 3, 1), 12),
        (date(2025, 3, 2), date(2026, 3, 1), 11),
        (date(2026, 1, 31), date(2026, 3, 1), 1),
        (date(2026, 3, 1), date(2026, 3, 1), 0),
        (date(2026, 3, 2), date(2026, 3, 1), None),
    ],
)
def test_months_in_service_are_whole_months(delivered: date, on: date, months: int | None) -> None:
    (row,) = found([{"h": 0, "delivered_on": delivered}], first=on, last=on)
    assert row["months_in_service"] == months


def test_the_software_is_what_was_said_of_it_last() -> None:
    rows = found(
        [{"h": 0, "software_version": "1"}, {"h": 74, "market": "FR"}, {"h": 121, "software_version": "7"}],
        [
            step(20, "targeted", "1", "2"),
            step(24, "failed", "1", "2"),
            step(26, "installed", "1", "2"),
            step(50, "installed", "2", "3", sequence=1),
            step(50, "rolled_back", "2", "3", sequence=2),
            step(100, "installed", "2", "4"),
            step(121, "installed", "4", "5"),
        ],
        last=day(5),
    )
    # A statement that names no version leaves the version; an installation is newer than a statement of its moment.
    assert [row["software_version"] for row in rows] == ["1", "2", "2", "2", "4", "5"]


def test_software_of_a_vehicle_that_no_registry_knows_makes_no_vehicle() -> None:
    assert found([], [step(1, "installed", "1", "2")]) == []
    assert (
        found([{"h": 1, "vehicle": "b"}], [step(1, "installed", "1", "2")], last=FIRST)[0]["software_version"] is None
    )


_VERSION = st.sampled_from([None, "1", "2", "3"])
_TOLD = st.fixed_dictionaries(
    {
        "h": HOURS, "vehicle": st.sampled_from("ab"), "sequence": st.sampled_from([None, 1, 2]),
        "market": st.sampled_from([None, "FR", "DE"]), "software_version": _VERSION,
        "delivered_on": st.sampled_from([None, day(-40), day(2), day(5)]),
    }
)  # fmt: skip
_STEPS = st.fixed_dictionaries(
    {
        "h": HOURS, "vehicle": st.sampled_from("ab"), "sequence": st.sampled_from([None, 1, 2]),
        "campaign_id": st.sampled_from("CD"), "from_version": _VERSION, "to_version": _VERSION,
        "step": st.sampled_from(["targeted", "installed", "failed", "rolled_back"]),
    }
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_TOLD, max_size=8), st.lists(_STEPS, max_size=8), st.integers(0, 9), st.integers(1, DAYS))
def test_every_day_is_the_same_alone_in_pieces_and_from_resent_rows_of_any_order(
    told: list[dict[str, Any]], steps: list[dict[str, Any]], seed: int, piece: int
) -> None:
    registry, software = raw(Vehicles, told), raw(SoftwareEvents, steps)
    whole = core.Vehicles.validate(vehicles(registry, software, FIRST, LAST))
    again, once_more = resent(registry, seed), resent(software, seed)
    parts = [
        vehicles(again, once_more, day(n), min(day(n + piece - 1), LAST))
        for n in range(0, DAYS, piece)
    ]  # fmt: skip
    assert pl.concat(parts).equals(whole)
    one = vehicles(
        registry.filter(vehicle_id=vehicle_id("a")), software.filter(vehicle_id=vehicle_id("a")), FIRST, LAST
    )
    assert one.equals(whole.filter(vehicle_id=vehicle_id("a")))
    assert whole["date"].max() in (None, LAST)
