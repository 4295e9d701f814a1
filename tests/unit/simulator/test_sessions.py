"""The law of a charging session: energy is conserved, power only falls, every instant agrees with every other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.sessions import HOUR_MS, NEVER_MS, Sessions

BEGIN_MS = 1_770_000_000_000


def session(
    soc: float = 20.0, target: float = 80.0, power_kw: float = 100.0, capacity_kwh: float = 60.0,
    taper_soc: float = 60.0, floor: float = 0.12, pause_after_min: float | None = None, pause_min: float = 5.0,
) -> Sessions:  # fmt: skip
    """One session that charges to its target."""
    one = Sessions.none(1)
    one.soc[:], one.target[:], one.power_kw[:], one.capacity_kwh[:] = soc, target, power_kw, capacity_kwh
    one.taper_soc[:], one.floor[:], one.efficiency[:] = taper_soc, floor, 0.93
    one.plugged_ms[:], one.starts_ms[:] = BEGIN_MS - 30_000, BEGIN_MS
    stop_ms = BEGIN_MS + int(one.hours_to(one.target)[0] * HOUR_MS)
    if pause_after_min is not None:
        one.pauses_ms[:] = BEGIN_MS + int(pause_after_min * 60_000)
        one.resumes_ms[:] = one.pauses_ms + int(pause_min * 60_000)
        stop_ms += int(pause_min * 60_000)
    one.stops_ms[:], one.unplugged_ms[:] = stop_ms, stop_ms + 60_000
    return one


def at(one: Sessions, instants: np.ndarray) -> Sessions:
    """The session, once per instant."""
    return one.take(np.zeros(len(instants), dtype=np.int64))


@given(
    soc=st.floats(0, 95), gain=st.floats(1, 60), power_kw=st.floats(2, 300), capacity_kwh=st.floats(8, 120),
    taper_soc=st.floats(50, 98), floor=st.floats(0.05, 0.9),
)  # fmt: skip
def test_a_session_reaches_its_target_when_it_says(
    soc: float, gain: float, power_kw: float, capacity_kwh: float, taper_soc: float, floor: float
) -> None:
    target = min(soc + gain, 100.0)
    one = session(soc, target, power_kw, capacity_kwh, taper_soc, floor)
    assert one.soc_after(one.hours_to(one.target))[0] == pytest.approx(target, abs=1e-9)
    assert one.soc_at(one.starts_ms)[0] == soc


@given(
    soc=st.floats(0, 90), power_kw=st.floats(3, 300), taper_soc=st.floats(50, 98), floor=st.floats(0.05, 0.9),
    pause=st.booleans(),
)  # fmt: skip
def test_power_only_falls_and_its_integral_is_the_energy(
    soc: float, power_kw: float, taper_soc: float, floor: float, pause: bool
) -> None:
    one = session(soc, 95.0, power_kw, 60.0, taper_soc, floor, pause_after_min=0.5 if pause else None)
    instants = np.linspace(BEGIN_MS, one.stops_ms[0] - 1, 40_001).astype(np.int64)
    many = at(one, instants)
    power = many.power_at(instants)
    charging = many.charging(instants)
    assert np.all(np.diff(power[charging]) <= 1e-9)
    assert np.all(power[~charging] == 0)
    assert np.all(power <= power_kw + 1e-9)
    stored = np.sum((power[1:] + power[:-1]) / 2 * np.diff(instants)) / HOUR_MS
    assert stored == pytest.approx(one.stored_kwh(one.stops_ms)[0], rel=2e-3)
    assert one.stored_kwh(one.stops_ms)[0] == pytest.approx((95.0 - soc) * 0.6, rel=1e-4)


def test_power_tapers_above_its_knee() -> None:
    one = session()
    hours = [float(one.hours_to(np.array([soc]))[0]) for soc in (40, 60, 80)]
    instants = BEGIN_MS + (np.array(hours) * HOUR_MS).astype(np.int64)
    power = at(one, instants - 1).power_at(instants - 1)
    assert power[0] == power[1] == 100.0
    assert power[2] == pytest.approx(100 * (1 - 0.88 * 0.5), rel=1e-3)


def test_nothing_flows_during_a_pause() -> None:
    one = session(pause_after_min=10)
    instants = one.pauses_ms[0] + np.array([-1, 0, 150_000, 299_999, 300_000])
    many = at(one, instants)
    assert many.charging(instants).tolist() == [True, False, False, False, True]
    soc = many.soc_at(instants)
    assert soc[1] == soc[2] == soc[3] == soc[4]
    assert one.soc_at(one.stops_ms)[0] == pytest.approx(80.0, abs=1e-3)


def test_no_session_is_no_charge() -> None:
    none, instants = Sessions.none(3), np.array([0, BEGIN_MS, NEVER_MS - 1])
    assert not none.exists.any()
    assert not none.charging(instants).any()
    assert not none.connected(instants).any()
    assert none.stored_kwh(instants).tolist() == [0, 0, 0]
    assert none.power_at(instants).tolist() == [0, 0, 0]
