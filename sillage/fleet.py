"""The simulated fleet: ``demo`` and ``simulate``."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.markup import escape

from lake.errors import SillageError
from sillage.flow import build, land, publish
from sillage.rooms import SIMULATED, Rooms, open_rooms
from sillage.terminal import err, in_bytes, progress_bars
from sillage.views import serve_dashboard

if TYPE_CHECKING:
    from simulator.folder import Arguments


def demo(
    *,
    vehicles: int = 500,
    days: int = 90,
    seed: int = 1,
    dirt: str = "default",
    host: str | None = None,
    port: int | None = None,
    serve: Annotated[bool, Parameter(name="--serve", negative="--no-serve")] = True,
) -> None:
    """Simulate a fleet, land what it sends, build the KPIs, publish them and serve the dashboard.

    The simulated vehicles send Event Hubs Capture files into the inbox of the lake, and everything goes on from there
    as it does with real ones. Run again, it adds the days that have passed since, and lands nothing twice.

    Args:
        vehicles: Size of the fleet, the first time.
        days: Days up to yesterday, the first time.
        seed: Names the fleet and its life, the first time.
        dirt: What goes wrong on the way, the first time: see `sillage simulate --help`.
        host: Address to listen on. Loopback only, since there is no sign-in.
        port: Port to listen on.
        serve: Serve the dashboard at the end.
    """
    from simulator import begun

    rooms = open_rooms()
    _refuse_other_feeds(rooms)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    folder = Path(rooms.lake.uri) if rooms.lake.is_local else rooms.settings.cache / "demo"
    known = begun(folder)
    if known is None:
        first = yesterday - timedelta(days=days - 1)
        simulate(out_folder=folder, vehicles=vehicles, days=days, seed=seed, from_=first, dirt=dirt, partitions=2)
    else:
        first = date.fromisoformat(known.first_day)
        simulate(
            out_folder=folder, vehicles=known.vehicles, days=max(1, (yesterday - first).days + 1), seed=known.seed,
            from_=first, markets=list(known.markets), cadence=known.cadence_s, partitions=known.partitions,
            codec="null" if known.codec == "null" else "deflate", dirt=known.dirt, window=known.window_s,
        )  # fmt: skip
    paths = [] if rooms.lake.is_local else [str(folder / "inbox" / SIMULATED)]
    changed = land(*paths, feed=_shipped_feed(SIMULATED), now=True)
    changed = build() or changed
    if changed or _nothing_published(rooms):
        publish()
    if serve:
        serve_dashboard(host=host, port=port)


def _shipped_feed(name: str) -> Path:
    from importlib.resources import files

    return Path(str(files("feeds"))) / f"{name}.toml"


def _refuse_other_feeds(rooms: Rooms) -> None:
    """A simulated fleet is not put among real vehicles: nothing could take it out again."""
    from lake.tables import open_table

    batches = open_table(rooms.lake, "ops.batches").scan().select("source").unique().collect()
    if others := sorted(set(batches["source"]) - {SIMULATED}):
        raise SillageError(
            "This lake has feeds of its own",
            found=", ".join(others),
            expected="an empty lake, or one that `sillage demo` has made",
            action="set SILLAGE_LAKE to another for the demo; `sillage serve` shows this one",
        )


def _nothing_published(rooms: Rooms) -> bool:
    from lake.snapshot import current

    return current(rooms.lake) is None


def simulate(
    *,
    out_folder: Annotated[Path, Parameter(name="--out")],
    vehicles: int = 500,
    days: int = 28,
    seed: int = 1,
    from_: Annotated[date | None, Parameter(name="--from")] = None,
    markets: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    dirt: str = "none",
    format: Literal["capture", "jsonl"] = "capture",
    codec: Literal["deflate", "null"] = "deflate",
    cadence: int = 10,
    partitions: int | None = None,
    window: int | None = None,
    stream: Annotated[bool, Parameter(negative="")] = False,
    speedup: float = 1.0,
) -> None:
    """Write the files that a fleet of simulated vehicles would send, and the truth about it.

    Feed files go to OUT/inbox/fleet, truth tables (Parquet) to OUT/truth. The same arguments give the same bytes; days
    that are there already are left as they are, so a longer run goes on where a shorter one ended.

    Args:
        out_folder: Folder to write to.
        vehicles: Size of the fleet.
        days: Days to simulate, today at the latest.
        seed: Names the fleet and its life.
        from_: First day (UTC); by default such that the last is yesterday. With --stream today, or with a speedup
            above 1 as many days ago as DAYS says.
        markets: ISO 3166 codes, as FR CN; all twelve by default.
        dirt: What goes wrong on the way: none, default, heavy (ten times that), or kinds of it with commas, as
            late,gap. The kinds: duplicate, late, delayed, out_of_order, clock_skew, gap, frozen, spike, unit,
            missing, malformed.
        format: capture for Event Hubs Capture (Avro), jsonl for lines of JSON.
        codec: Compression: of the blocks inside the Avro files, or gzip for lines.
        cadence: Seconds between messages while driving.
        partitions: Partitions of the event hub; by default 4, and more for a fleet above 10,000 vehicles.
        window: Seconds that one file holds; by default six hours, and 900 with --stream.
        stream: Write each file when its time has come, day after day until interrupted; run it again to go on.
        speedup: With --stream, how many times faster than real time, until it has caught up with the clock on the wall;
            from then on, and with 1, it keeps in step with that.
    """
    from simulator import make_arguments
    from simulator import simulate as run

    today = datetime.now(UTC).date()
    first = from_ or (today if stream and speedup <= 1 else today - timedelta(days=days))
    last = first if stream else first + timedelta(days=days - 1)
    if last > today:
        raise SillageError(
            "The simulation would run into the future, of which nothing can be landed", found=f"{first} to {last}",
            expected=f"{today} at the latest", action="begin earlier; --stream goes on day after day",
        )  # fmt: skip
    known = make_arguments(
        vehicles=vehicles, first_day=first, seed=seed, markets=markets, cadence_s=cadence, partitions=partitions,
        window_s=window or (900 if stream else 6 * 3600), codec=codec, dirt=dirt, files=format,
    )  # fmt: skip
    if stream:
        _stream(out_folder, known, speedup, goes_on=from_ is None)
        return
    with progress_bars() as bars:
        task = bars.add_task("Simulating", total=days)
        report = run(
            out_folder, vehicles=vehicles, days=days, first_day=first, seed=seed, markets=known.markets,
            cadence_s=cadence, partitions=known.partitions, window_s=known.window_s, codec=codec, dirt=dirt,
            files=format,
            progress=lambda day, messages: bars.update(
                task, completed=(day - first).days + 1, detail=f"{messages:,} messages"
            ),
        )  # fmt: skip
        bars.update(task, completed=days)
    if report.days:
        err.print(
            f"Simulated [bold]{report.days}[/] days of {report.vehicles:,} vehicles: {report.messages:,} messages in "
            f"{report.files:,} files ({in_bytes(report.bytes)}), {report.trips:,} trips."
        )
    else:
        err.print(f"Nothing to simulate: all {days} days are in {out_folder}.")


def _stream(out_folder: Path, arguments: Arguments, speedup: float, *, goes_on: bool) -> None:
    from simulator import begun
    from simulator import stream as run

    # Polars, imported by now, has put itself before our handler, and can keep Ctrl-C to itself for good.
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
    known = begun(out_folder)
    if known is not None and goes_on:  # it may have begun on another day
        arguments = replace(arguments, first_day=known.first_day)
    err.print(f"Streaming into {escape(str(out_folder / 'inbox' / 'fleet'))}  (Ctrl+C stops it)")
    with progress_bars() as bars:
        task = bars.add_task("Streaming", total=None)

        def show(at: datetime, messages: int) -> None:
            caught_up = datetime.now(UTC) - at < timedelta(seconds=2 * arguments.window_s)
            where = f"until {at:%Y-%m-%d %H:%M} UTC" + (", in step with the clock" if caught_up else "")
            bars.update(task, detail=f"{messages:,} messages, {where}")

        report = run(out_folder, arguments, speedup=speedup, progress=show)
    err.print(f"Stopped: {report.messages:,} messages in {report.files:,} files. Run it again to go on.")
