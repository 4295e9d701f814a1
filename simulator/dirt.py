"""What goes wrong between a vehicle and the hub, and how often. Everything that is done to a message is counted.

Dirt draws from streams of its own and never touches the lives of the vehicles: the same fleet with other dirt lives the
same days. ``simulator/mishaps.py`` deals with messages as such, ``simulator/damage.py`` with the values in them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntFlag

from lake.errors import SillageError


class What(IntFlag):
    """What was done to a message. ``gap`` is not here, as the message is not either; ``late`` is measured."""

    DUPLICATE = 1
    DELAYED = 2
    OUT_OF_ORDER = 4
    CLOCK_SKEW = 8
    FROZEN = 16
    SPIKE = 32
    UNIT = 64
    MISSING = 128
    MALFORMED = 256


LATE_MS = 3_600_000  # a message is late if it arrives more than this after its own time


@dataclass(frozen=True)
class Dirt:
    """Shares of the messages that are drawn for something to happen to them; the default is none.

    Attributes:
        duplicate: sent again: half of them one by one, half in bursts of half an hour.
        late: held back by a modem that was dead for hours to two weeks and then sends all it kept.
        delayed: held back for minutes where there is no reception; not late.
        out_of_order: overtaken by the next ones.
        clock_skew: of a vehicle whose clock is seconds to ten minutes off for some hours.
        gap: lost for good, in tunnels or by a dead modem that keeps nothing.
        frozen: sent while one of the vehicle's sensors shows the same for hours; not all of them carry it.
        spike: with one absurd value.
        unit: of a vehicle that sends one signal in another unit, for a week.
        missing: without a field that belongs there.
        malformed: cut off, and no JSON.
    """

    duplicate: float = 0.0
    late: float = 0.0
    delayed: float = 0.0
    out_of_order: float = 0.0
    clock_skew: float = 0.0
    gap: float = 0.0
    frozen: float = 0.0
    spike: float = 0.0
    unit: float = 0.0
    missing: float = 0.0
    malformed: float = 0.0

    @property
    def any(self) -> bool:
        """Whether anything happens to anybody."""
        return any(getattr(self, f.name) > 0 for f in fields(self))


NONE = Dirt()
DEFAULT = Dirt(
    duplicate=0.01, late=0.015, delayed=0.005, out_of_order=0.005, clock_skew=0.003, gap=0.005, frozen=0.01,
    spike=0.0003, unit=0.002, missing=0.003, malformed=0.0005,
)  # fmt: skip
HEAVY = Dirt(**{f.name: 10 * getattr(DEFAULT, f.name) for f in fields(Dirt)})
KINDS_OF_DIRT = tuple(f.name for f in fields(Dirt))


def dirt_named(name: str) -> Dirt:
    """Returns the dirt that a text names.

    Args:
        name: ``none``, ``default``, ``heavy``, or kinds of it separated by commas, as ``late,gap``, at their default
            rates; ``heavy:late,gap`` for these kinds at the heavy rates.

    Raises:
        SillageError: if there is no such dirt.
    """
    level, _, chosen = name.partition(":") if ":" in name else ("", "", name)
    levels = {"none": NONE, "default": DEFAULT, "heavy": HEAVY}
    if not level and chosen in levels:
        return levels[chosen]
    kinds = chosen.split(",")
    if (level and level not in levels) or set(kinds) - set(KINDS_OF_DIRT):
        raise SillageError(
            "There is no such dirt", found=name,
            expected=f"none, default, heavy, or kinds separated by commas: {', '.join(KINDS_OF_DIRT)}",
        )  # fmt: skip
    full = levels[level or "default"]
    return replace(NONE, **{kind: getattr(full, kind) for kind in kinds})
