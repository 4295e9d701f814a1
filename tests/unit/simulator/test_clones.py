"""A cloned VIN sends from two places on the day of the attack, and on no other."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from simulator.clones import KIND, cloned, pairs
from simulator.events import telemetry
from simulator.told import Lived
from tests.unit.simulator.living import FIRST_DAY, fleet_of, lived

FLEET = fleet_of(120)


def _strikes() -> Lived:
    days = [day for day in (lived(FLEET, FIRST_DAY + timedelta(days=k)) for k in range(28)) if pairs(day)]
    assert len(days) == 1
    return days[0]


def test_a_clone_sends_what_a_vehicle_alike_and_elsewhere_sends() -> None:
    day = _strikes()
    assert (day.day - FIRST_DAY).days >= 14
    ((victim, donor),) = pairs(day)
    assert FLEET.powertrain[victim] == FLEET.powertrain[donor]
    assert FLEET.city[victim] != FLEET.city[donor]
    leg = day.driven.leg
    sent = telemetry(
        len(leg), vehicle=day.legs.vehicle[leg], event_ms=day.legs.start_ms[leg] + day.driven.step * 10_000,
        speed=np.arange(len(leg)),
    )  # fmt: skip
    both, truth = cloned(day, sent)
    extra = both.take(slice(len(sent), None))
    donors = sent.take(sent["vehicle"] == donor)
    assert set(extra["vehicle"].tolist()) == {victim}
    for name in ("event_ms", "speed"):
        assert np.array_equal(extra[name], donors[name])
        assert np.array_equal(both[name][: len(sent)], sent[name])
    row = truth.row(0, named=True)
    assert (row["kind"], row["account"], row["vins"]) == (KIND, None, [FLEET.vins[victim]])
    assert row["at"].timestamp() * 1000 == donors["event_ms"].min()


def test_other_days_are_left_alone() -> None:
    day = lived(FLEET, FIRST_DAY)
    sent = telemetry(3)
    both, truth = cloned(day, sent)
    assert both is sent
    assert truth.is_empty()
    assert truth.columns == ["kind", "at", "account", "vins"]
