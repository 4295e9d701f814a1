"""A small feed whose content is known line by line: shuttles that drive out in the morning and back in the evening.

Every day has a file. It holds the day's trips, one trip over midnight that began the day before (so it changes a day
that was sent already), a few lines of the file before once more, and broken lines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

FIRST = date(2025, 3, 1)
CADENCE_S = 10
PROFILE = """
name = "shuttles"
format = "{format}"
files = "*.{format}"
kind = "telemetry"
sequence = "seq"

[vehicle]
field = "vehicle"

[time]
field = "time"

[columns]
speed_kmh = "speed"
odometer_km = "odometer"
"""

Row = dict[str, Any]
Format = Literal["csv", "jsonl"]
FIELDS = ("vehicle", "time", "seq", "speed", "odometer")


@dataclass
class Shuttles:
    """What was written.

    Attributes:
        profile: path of the feed profile.
        folder: folder of the files.
        rows: sound records, resends included.
        broken: the broken lines of each file, by its name, in their order.
    """

    profile: Path
    folder: Path
    rows: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """The files, by day."""
        return sorted(self.folder.iterdir())


def write_shuttles(
    root: Path, *, days: int = 6, vehicles: int = 4, minutes: int = 25, broken_every: int = 100,
    form: Format = "csv", resent: int = 5,
) -> Shuttles:  # fmt: skip
    """Write the feed and its profile below ``root``.

    Args:
        root: folder of the profile; the files go to ``root/files``.
        days: how many, from 1 March 2025 on, one file each.
        vehicles: how many shuttles.
        minutes: length of a trip.
        broken_every: after so many sound lines comes a broken one; 0 for none.
        form: format of the files.
        resent: lines of the file before that a file begins with.
    """
    root.mkdir(parents=True, exist_ok=True)
    profile = root / f"shuttles_{form}.toml"
    profile.write_text(PROFILE.format(format=form), encoding="utf-8")
    feed = Shuttles(profile, root / "files")
    feed.folder.mkdir()
    before: list[Row] = []
    for number in range(days):
        day = FIRST + timedelta(days=number)
        today = [*before[:resent], *_day(day, number, vehicles, minutes)]
        name = f"{day}.{form}"
        lines, broken = _lines(today, broken_every, form)
        (feed.folder / name).write_bytes("".join(f"{line}\n" for line in lines).encode())
        feed.rows += len(today)
        feed.broken[name] = broken
        before = today[resent:] or today
    return feed


def _day(day: date, number: int, vehicles: int, minutes: int) -> Iterator[Row]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for vehicle in range(vehicles):
        odometer = 1000.0 * vehicle + 200.0 * number
        starts = [midnight + timedelta(hours=6 + vehicle, minutes=7), midnight + timedelta(hours=16, minutes=vehicle)]
        if vehicle == 0 and number:
            starts.insert(0, midnight - timedelta(minutes=minutes / 2))
        for start in starts:
            for step in range(minutes * 60 // CADENCE_S + 1):
                share = step * CADENCE_S / (minutes * 60)
                speed = round(60 * math.sin(math.pi * share), 3) + 0.0
                odometer += speed * CADENCE_S / 3600
                at = start + timedelta(seconds=step * CADENCE_S)
                yield {
                    "vehicle": f"shuttle-{vehicle}", "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                    "seq": int(at.timestamp()) - 1_740_000_000, "speed": speed, "odometer": round(odometer, 6),
                }  # fmt: skip


def _lines(rows: list[Row], broken_every: int, form: Format) -> tuple[list[str], list[str]]:
    lines = [",".join(FIELDS)] if form == "csv" else []
    broken = []
    for number, row in enumerate(rows, 1):
        lines.append(",".join(str(row[name]) for name in FIELDS) if form == "csv" else json.dumps(row))
        if broken_every and number % broken_every == 0:
            line = _broken(row, number // broken_every, form)
            lines.append(line)
            broken.append(line)
    return lines, broken


def _broken(row: Row, number: int, form: Format) -> str:
    """One of several ways to be wrong; no two lines are the same."""
    wrong: list[Row] = [
        row | {"time": f"{number} o'clock"},
        row | {"vehicle": "", "seq": number},
        row | {"speed": f"fast {number}"},
        row | {"time": f"1999-12-31T23:59:{number % 60:02}Z", "seq": number},
        row | {"odometer": "1e400", "seq": number},
    ]
    if number % 7 == 6:  # cut off
        return f"shuttle-0,2025-03-01T0{number % 10}" if form == "csv" else json.dumps(row | {"seq": number})[:-9]
    row = wrong[number % len(wrong)]
    return ",".join(str(row[name]) for name in FIELDS) if form == "csv" else json.dumps(row)
