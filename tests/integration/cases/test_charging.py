"""What drives does not charge, and the register of a meter is no energy of a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.cases.conftest import Case

TABLES = ("core.vehicles", "core.trips", "core.charging_sessions", "core.doubts")


@pytest.mark.parametrize("name", ["downhill-signals", "downhill-regen"])
def test_what_comes_back_downhill_is_no_charging(case: Callable[..., Case], name: str) -> None:
    found = case(name, *TABLES)
    assert found.table("core.trips")["distance_km"].sum() > 13
    assert found.table("core.charging_sessions").height == 0


def test_a_register_counts_what_it_gained(case: Callable[..., Case]) -> None:
    found = case("ocpp-register", *TABLES).table("core.charging_sessions").sort("started_at")
    assert found["energy_in_kwh"].to_list() == [41, 22, 30]
    assert found["doubted"].null_count() == 3
