"""Nothing vanishes as a copy that is none, and what goes back in time is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.cases.conftest import Case

TABLES = ("core.vehicles", "core.trips", "core.vehicle_days", "core.latest", "core.charging_sessions", "core.doubts")


def test_a_logger_that_began_again_loses_nothing_silently(case: Callable[..., Case]) -> None:
    found = case("clock-restart", *TABLES)
    assert (found.landed.landed, found.landed.rejected) == (305, 305)
    reasons = found.table("ops.rejects")["reason"].unique()
    assert all(reason.startswith("the time since the start goes back") for reason in reasons)
    assert found.table("core.trips")["distance_km"].sum() == pytest.approx(9.97, abs=0.01)
    assert found.table("core.vehicle_days")["duplicates"].sum() == 0


def test_signals_of_one_second_in_messages_of_their_own_add_up(case: Callable[..., Case]) -> None:
    found = case("truncated-trace", *TABLES)
    days = found.table("core.vehicle_days")
    assert days["odometer_gain_km"].sum() == pytest.approx(8.985, abs=0.001)
    assert (days["duplicates"].sum(), days["conflicts"].sum()) == (0, 0)
    latest = found.table("core.latest").row(0, named=True)
    assert (latest["odometer_km"], latest["fuel_level_pct"]) == (pytest.approx(128.985), 49)


def test_times_to_come_are_not_counted(case: Callable[..., Case]) -> None:
    found = case("future-dates", *TABLES)
    assert found.table("core.vehicle_days")["date"].max().year == 2024  # type: ignore[union-attr]
    assert found.landed.rejected == 2
