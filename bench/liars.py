"""The one-liar test: every signal that a witness stands on, and every kind of lie, against what core makes of it.

``python -m bench.liars`` simulates a clean fleet, lets one signal of every vehicle lie at a time, and writes what came
out between the marks in ``docs/core.md``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from bench.roles import FLEET
from lake.schemas.core import ChargingSessions
from lake.settings import get_settings
from lake.storage import Lake
from lake.tables import open_table
from orchestration.landing import land
from simulator import simulate
from transforms.core.doubts import doubts
from transforms.core.trips import trips
from transforms.sources.profile import load_profile

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 4)
_PAGE = Path(__file__).resolve().parents[1] / "docs" / "core.md"
_MARKS = ("<!-- liars -->", "<!-- /liars -->")
#: A day on which less is driven shows no lie about it.
_LEAST_KM = 5.0

Lie = Callable[[pl.Expr], pl.Expr]


def _at_rest(value: pl.Expr) -> pl.Expr:
    noise = (pl.int_range(pl.len()) % 7).cast(pl.Float64) * 0.3
    return pl.when(value == 0).then(noise).otherwise(value)


def _stuck(value: pl.Expr) -> pl.Expr:
    """Stands for half the messages of each hundred."""
    number = pl.int_range(pl.len())
    return pl.when(number % 100 < 50).then(value.gather(number - number % 100)).otherwise(value)


#: Kinds of lies, each of the readings of one vehicle in the order of time.
LIES: Mapping[str, Lie] = {
    "frozen at the first value": lambda value: value * 0 + value.drop_nulls().first(),
    "frozen at 0": lambda value: value * 0,
    "frozen at the last value": lambda value: value * 0 + value.drop_nulls().last(),
    "x 1.609": lambda value: value * 1.609344,
    "/ 1.609": lambda value: value / 1.609344,
    "x 3.6": lambda value: value * 3.6,
    "/ 1000": lambda value: value / 1000,
    "/ 100": lambda value: value / 100,
    "sign turned": lambda value: -value,
    "stuck, then jumping": _stuck,
    "noise at rest": _at_rest,
    "a minute late": lambda value: value.shift(6),
}
#: Signals, their columns, and the lies that are none of them: a vehicle that never reverses, a place that is elsewhere.
LIARS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "odometer_km": (("odometer_km",), ("noise at rest", "sign turned")),
    "speed_kmh": (("speed_kmh",), ("sign turned", "frozen at the first value", "frozen at the last value")),
    "position": (("latitude_deg", "longitude_deg"), ("noise at rest", "sign turned", "frozen at 0", "x 3.6")),
    "energy_used_kwh": (("energy_used_kwh",), ("noise at rest", "sign turned")),
    "battery_power_kw": (
        ("battery_power_kw",),
        ("noise at rest", "frozen at the first value", "frozen at the last value"),
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What core makes of one lie.

    Attributes:
        signal: that lies.
        lie: how.
        trips: trips found over those that are.
        distance: differences of the distances of days over the whole distance.
        energy: likewise.
        told: share of the vehicle-days of at least 5 km that ``core.doubts`` names the signal of.
        others: vehicle-days on which it names another signal, too, over all.
    """

    signal: str
    lie: str
    trips: float
    distance: float
    energy: float
    told: float
    others: float


def telemetry(folder: Path, vehicles: int) -> pl.DataFrame:
    """Raw telemetry of a simulated fleet without dirt."""
    simulate(folder / "feed", vehicles=vehicles, days=5, first_day=date(2026, 3, 1), seed=11)
    settings = get_settings(lake=str(folder / "lake"))
    lake = Lake.open(settings)
    land(lake, settings, load_profile(FLEET), [str(folder / "feed" / "inbox" / "fleet")])
    return open_table(lake, "raw.telemetry").scan().collect()


def outcomes(frame: pl.DataFrame) -> Iterator[Outcome]:
    """Try every lie of every signal on raw telemetry."""
    ordered = frame.sort("vehicle_id", "event_at", "sequence")
    true, _ = _found(ordered)
    for signal, (columns, none) in LIARS.items():
        for name, lie in LIES.items():
            if name not in none:
                lying = ordered.with_columns(_told(lie, column).alias(column) for column in columns)
                yield _compared(signal, name, true, *_found(lying))


def _told(lie: Lie, column: str) -> pl.Expr:
    value = pl.col(column)
    return pl.when(value.is_not_null()).then(lie(value)).over("vehicle_id")


def _found(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return trips(frame, FIRST, LAST), doubts(frame, ChargingSessions.create_empty(), FIRST, LAST)


def _compared(signal: str, lie: str, true: pl.DataFrame, found: pl.DataFrame, told: pl.DataFrame) -> Outcome:
    key = ["vehicle_id", "date"]
    names = ("distance_km", "energy_used_kwh")
    days = true.group_by(key).agg(pl.col(name).sum() for name in names)
    both = days.join(found.group_by(key).agg(pl.col(names).sum()), on=key, how="full", coalesce=True).fill_null(0)
    off = {}
    for name in names:
        error = float((both[name] - both[f"{name}_right"]).abs().sum())
        off[name] = error / max(float(both[name].sum()), 1e-9)
    driven = days.filter(pl.col("distance_km") >= _LEAST_KM)
    if signal in ("energy_used_kwh", "battery_power_kw"):
        driven = driven.filter(pl.col("energy_used_kwh") >= 1)
    named = driven.join(told.filter(signal=signal).select(key).unique(), on=key, how="semi")
    others = driven.join(told.filter(pl.col("signal") != signal).select(key).unique(), on=key, how="semi")
    return Outcome(
        signal, lie, found.height / true.height, off["distance_km"], off["energy_used_kwh"],
        named.height / driven.height, others.height / driven.height,
    )  # fmt: skip


def page(found: list[Outcome]) -> str:
    """The table of the lies."""
    lines = [
        "| signal | lie | trips | distance off | energy off | told | others doubted |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| `{one.signal}` | {one.lie} | {one.trips:.3f} | {one.distance:.1%} | {one.energy:.1%} | {one.told:.0%} "
        f"| {one.others:.0%} |"
        for one in found
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    with tempfile.TemporaryDirectory() as folder:
        table = page(list(outcomes(telemetry(Path(folder), vehicles=30))))
    text = _PAGE.read_text()
    before, rest = text.split(_MARKS[0])
    _PAGE.write_text(f"{before}{_MARKS[0]}\n{table}\n{_MARKS[1]}{rest.split(_MARKS[1])[1]}")


if __name__ == "__main__":
    main()
