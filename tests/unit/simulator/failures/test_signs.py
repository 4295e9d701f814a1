"""What ails a vehicle shows in its signals more and more, and no more once it is repaired."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.failures.ailments import Ailments
from simulator.failures.causes import (
    AMBIENT,
    CODE_INDEX,
    CODES,
    COOLANT,
    LV_BATTERY,
    SOFTWARE,
    TRACTION,
    TYRE_LEAK,
    TYRE_SENSOR,
)
from simulator.failures.signs import Signs, healthy
from simulator.world import DAY_MS
from tests.unit.simulator.failures.days import DAY0_MS, sound

DAYS = np.arange(0, 30)
AT = DAY0_MS + DAYS * DAY_MS
ONE = np.zeros(len(DAYS), dtype=np.int64)


def _ailing(cause: int, *, mode: int = 0, held: float = np.nan, ended_day: int = 0) -> Ailments:
    """A failure that begins on day 5 and is severe on day 15, of the first of two vehicles."""
    ails = sound(2)
    ails.began_ms[0, cause], ails.takes_ms[0, cause] = DAY0_MS + 5 * DAY_MS, 10 * DAY_MS
    ails.mode[0, cause], ails.held[0, cause] = mode, held
    ails.ended_ms[0, cause] = DAY0_MS + ended_day * DAY_MS if ended_day else 0
    return ails


def _change(ails: Ailments, cause: int, vehicle: int = 0) -> np.ndarray:
    """What each day changes of a signal, from 100; of tyres the one of wheel 2."""
    signs, of = Signs.of(ails), np.full(len(DAYS), vehicle)
    value, load = np.full(len(DAYS), 100.0), np.ones(len(DAYS))
    wheels = np.full((len(DAYS), 4), 100.0)
    if cause == LV_BATTERY:
        signs.lose_voltage(value, of, AT, cranking=None)
    elif cause in (TYRE_LEAK, TYRE_SENSOR):
        signs.lose_pressure(wheels, of, AT)
        assert (wheels[:, [0, 1, 3]] == 100).all()
        value = wheels[:, 2]
    elif cause == AMBIENT:
        signs.disturb_ambient(value, of, AT)
    elif cause == COOLANT:
        signs.heat_coolant(value, of, AT, load)
    else:
        signs.heat_cells(value, of, AT, load)
    return value - 100


@pytest.mark.parametrize(
    ("cause", "sign", "at_least"),
    [(LV_BATTERY, -1, 0.9), (TYRE_LEAK, -1, 25), (COOLANT, 1, 25), (TRACTION, 1, 15)],
)
def test_signs_grow_from_the_first_day_on(cause: int, sign: int, at_least: float) -> None:
    change = sign * _change(_ailing(cause, mode=2 if cause == TYRE_LEAK else 0), cause)
    assert (change[DAYS <= 5] == 0).all()
    assert (np.diff(change[5:16]) > 0).all()
    assert change[15] >= at_least
    assert (_change(_ailing(cause), cause, vehicle=1) == 0).all()


@pytest.mark.parametrize("cause", [LV_BATTERY, TYRE_LEAK, COOLANT, TRACTION, AMBIENT, TYRE_SENSOR])
def test_what_is_repaired_is_as_new(cause: int) -> None:
    mode = 2 if cause in (TYRE_LEAK, TYRE_SENSOR) else 0
    change = _change(_ailing(cause, mode=mode, ended_day=20), cause)
    assert change[19] != 0
    assert (change[20:] == 0).all()


@pytest.mark.parametrize("cause", [AMBIENT, TYRE_SENSOR])
def test_sensors_freeze_or_are_noisy(cause: int) -> None:
    mode = 2 if cause == TYRE_SENSOR else 0
    frozen = _change(_ailing(cause, mode=mode, held=71.0), cause)
    assert (frozen[DAYS > 5] == -29).all()
    noisy = _change(_ailing(cause, mode=mode), cause)
    assert len(np.unique(noisy[DAYS > 5])) == (DAYS > 5).sum()
    assert np.abs(noisy[6:10]).max() < np.abs(noisy[12:]).max()
    assert (noisy == _change(_ailing(cause, mode=mode), cause)).all()


def test_cranking_dips_deeper_than_rest() -> None:
    signs = Signs.of(_ailing(LV_BATTERY))
    rest, crank = np.full(len(DAYS), 12.6), np.full(len(DAYS), 12.6)
    signs.lose_voltage(rest, ONE, AT, cranking=None)
    signs.lose_voltage(crank, ONE, AT, cranking=np.ones(len(DAYS), dtype=np.bool_))
    assert (crank[6:] < rest[6:]).all()
    assert crank.min() > 8


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.sampled_from(range(len(CODES)))), max_size=12))
def test_codes_and_lamp_follow_the_messages(said: list[tuple[int, int, int]]) -> None:
    """Each (vehicle, hour, code) changes the code: set if it was not, else cleared."""
    ails, open_codes, rows = sound(3), set[tuple[int, int]](), []
    for vehicle, hour, code in sorted(set(said), key=lambda row: row[1]):
        is_set = (vehicle, code) not in open_codes
        open_codes ^= {(vehicle, code)}
        rows.append((vehicle, DAY0_MS + hour * 3_600_000, CODES[code].code, "set" if is_set else "cleared"))
    faults = pl.DataFrame(rows, schema=["vehicle", "event_ms", "code", "status"], orient="row")
    signs = Signs.of(ails, faults)
    behind = np.array([sum(v == w for w, _ in open_codes) for v in range(3)])
    lit = np.array([sum(v == w and CODES[c].lamp for w, c in open_codes) for v in range(3)])
    signs = Signs(ails, behind, lit, signs.key, signs.total, signs.ends)
    for vehicle in range(3):
        for half_hour in range(-1, 84, 5):
            at = DAY0_MS + half_hour * 1_800_000
            mine: dict[str, str] = {row[2]: row[3] for row in rows if row[0] == vehicle and row[1] <= at}
            now = [code for code, status in mine.items() if status == "set"]
            told = signs.upkeep(np.array([vehicle]), np.array([at]), np.zeros(1))
            assert told["dtc_count"][0] == len(now)
            assert told["mil"][0] == any(CODES[CODE_INDEX[code]].lamp for code in now)


def test_codes_that_are_set_behind_the_day_are_counted_from_the_state() -> None:
    ails = sound(2)
    ails.on[1, COOLANT] = ails.on[1, SOFTWARE] = True
    told = Signs.of(ails).upkeep(np.array([0, 1]), AT[:2], np.zeros(2))
    assert told["dtc_count"].tolist() == [0, 2]
    assert told["mil"].tolist() == [0, 1]


def test_pads_wear_and_service_counts_down_until_the_visit() -> None:
    ails = sound(1)
    ails.pads_were_km[:], ails.service_was_km[:] = 0, 20_000
    ails.pads_km[:] = ails.service_km[:] = 30_000
    ails.visit_ended_ms[:] = AT[2]
    told = Signs.of(ails).upkeep(np.zeros(3, dtype=np.int64), AT[1:4], np.array([29_000.0, 30_000.0, 30_400.0]))
    assert told["pad_wear"].tolist() == pytest.approx([72.5, 0, 1])
    assert told["service_distance"].tolist() == [-9000, 0, -400]


def test_healthy_vehicles_have_no_signs() -> None:
    signs = healthy(1)
    pressure, volts = np.full((30, 4), 240.0), np.full(30, 12.7)
    signs.lose_pressure(pressure, ONE, AT)
    signs.lose_voltage(volts, ONE, AT, cranking=None)
    assert (pressure == 240).all()
    assert (volts == 12.7).all()
    told = signs.upkeep(ONE[:1], AT[:1], np.array([50_000.0]))
    assert (told["dtc_count"][0], told["mil"][0], told["pad_wear"][0]) == (0, 0, 0)
