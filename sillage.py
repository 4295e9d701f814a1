"""The front door: the ``sillage`` command. A room of the house is imported only when a command enters it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.markup import escape

from lake.errors import SillageError
from lake.export import Format
from terminal import err, grid, in_bytes, out, progress_bars, show_maintenance, show_trial

if TYPE_CHECKING:
    from lake.settings import Settings
    from lake.storage import Lake
    from simulator.folder import Arguments
    from transforms.sources.profile import FeedProfile

#: The feed of the simulated fleet.
_SIMULATED = "fleet"

app = App(
    name="sillage",
    help="An open lakehouse for connected vehicles.\n\n"
    "Lands telemetry of vehicles in Delta tables on a folder or on Azure, works out usage, diagnostic and market KPIs, "
    "and shows them on a dashboard and in SQL.\n\n"
    "Where the lake is and all else that can be set: environment variables SILLAGE_…, listed by `sillage doctor`.",
    version=lambda: version("sillage"),
    result_action="return_value",
)


@dataclass(frozen=True)
class _Rooms:
    """Settings and the lake, opened."""

    settings: Settings
    lake: Lake


def _open(*, create: bool = True) -> _Rooms:
    from lake.settings import get_settings
    from lake.storage import Lake

    settings = get_settings()
    return _Rooms(settings, Lake.open(settings, create=create))


@app.command
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

    rooms = _open()
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
    paths = [] if rooms.lake.is_local else [str(folder / "inbox" / _SIMULATED)]
    changed = land(*paths, feed=_shipped_feed(_SIMULATED))
    changed = build() or changed
    if changed or _nothing_published(rooms):
        publish()
    if serve:
        serve_dashboard(host=host, port=port)


@app.command
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


@app.command
def land(
    *paths: str,
    feed: Annotated[Path, Parameter(name=["--feed", "-f"])],
    try_: Annotated[bool, Parameter(name="--try", negative="")] = False,
    again: Annotated[bool, Parameter(negative="")] = False,
) -> bool:
    """Land the files of a feed: what can be read becomes raw rows, the rest rejects with their reason.

    Every file lands once: files that have landed before are skipped, and a run that was interrupted is finished first.

    Args:
        paths: Files or folders; by default the inbox of the feed in the lake.
        feed: The feed profile, as feeds/nrel_cmap.toml.
        try_: Only show what would land of the files, and write nothing.
        again: Land files once more that have landed before, if no row came of them: the profile was wrong, and is not
            any more.
    """
    from orchestration.landing import land as run
    from transforms.sources.profile import load_profile

    profile = load_profile(feed)
    if try_:
        _try(profile, paths)
        return False
    rooms = _open()
    with progress_bars() as bars:
        task = bars.add_task(f"Landing {profile.name}", total=None)
        report = run(
            rooms.lake, rooms.settings, profile, paths, again=again,
            progress=lambda done, total, records, _: bars.update(
                task, completed=done, total=max(total, 1), detail=f"{records:,} records"
            ),
        )  # fmt: skip
    for name in report.abandoned:
        err.print(f"[yellow]A file of an interrupted batch is gone, and nothing of it had landed: {escape(name)}[/]")
    if not report.batches:
        before = "and rows came of them" if again else "before"
        where = f"in {rooms.lake.uri}/inbox/{profile.name} no file fits {' or '.join(profile.files)}"
        known = f"{report.skipped:,} files have landed {before}"
        err.print(f"Nothing new to land: {known if report.skipped else where}.", markup=False, highlight=False)
        return False
    rejected = f", [yellow]{report.rejected:,} rejected[/] (see ops.rejects)" if report.rejected else ", none rejected"
    err.print(
        f"Landed [bold]{report.landed:,}[/] of {report.records:,} records from {report.files:,} files{rejected}"
        + (f"; {report.skipped:,} files had landed before." if report.skipped else ".")
    )
    if report.records and not report.landed:
        err.print("Correct the profile, see with --try what would land of these files, and land them with --again.")
    if rooms.lake.has_demo_key and profile.name != _SIMULATED:
        err.print(
            "[yellow]The vehicles are hashed with the demo key, which is in Sillage's source.[/] For real ones begin a "
            "lake with a SILLAGE_VEHICLE_KEY of your own."
        )
    if report.never_found:
        err.print(f"In no file: {escape(', '.join(report.never_found))}", style="dim", highlight=False)
    return True


def _try(profile: FeedProfile, paths: Sequence[str]) -> None:
    from lake.settings import get_settings
    from orchestration.trying import attempt

    with progress_bars() as bars:
        task = bars.add_task(f"Reading {profile.name}", total=None)
        trial = attempt(
            get_settings(), profile, paths,
            progress=lambda done, total, records: bars.update(
                task, completed=done, total=max(total, 1), detail=f"{records:,} records"
            ),
        )  # fmt: skip
    show_trial(trial)


@app.command
def build(
    *,
    from_: Annotated[date | None, Parameter(name="--from")] = None,
    to: Annotated[date | None, Parameter(name="--to")] = None,
    table: Annotated[list[str] | None, Parameter(name="--table")] = None,
) -> bool:
    """Work out core tables and KPIs: the days whose input changed, or the days you name.

    Args:
        from_: First day (UTC) to work out, changed or not.
        to: Last day (UTC), included.
        table: Only this table, as core.trips; may be given several times.
    """
    from orchestration.building import build as run
    from orchestration.recipes import recipes

    computed = [recipe.table for recipe in recipes()]
    unknown = [name for name in table or () if name not in computed]
    if unknown:
        raise SillageError("There is no such table to build", found=", ".join(unknown), expected=", ".join(computed))
    if from_ and to and from_ > to:
        raise SillageError("There are no such days", found=f"from {from_} to {to}", expected="the earlier day first")
    rooms = _open(create=False)
    with progress_bars() as bars:
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(f"Building {name}", total=total)
            bars.update(tasks[name], completed=done, detail=f"{done:,} of {total:,} days")

        report = run(rooms.lake, rooms.settings, from_, to, tables=table, progress=show)
    built = {name: days for name, days in report.days.items() if days}
    if not built:
        err.print("Nothing to build: no day changed." if from_ is None and to is None else "There are no such days.")
        return False
    for name, days in built.items():
        rows = f", {report.rows[name]:,} rows" if report.rows[name] else ""
        changed = len(report.changed[name])
        news = "" if changed == len(days) else f"; {changed:,} of them came out otherwise than before"
        err.print(f"Built [bold]{name}[/]: {len(days):,} days from {days[0]} to {days[-1]}{rows}{news}.")
    return True


@app.command
def publish(*, unchecked: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Check what was built since the last time, write the KPIs to a snapshot, and make it the one the dashboard reads.

    Where a rule of sql/checks is broken nothing is published, and the dashboard keeps what it has.

    Args:
        unchecked: Publish without the checks.
    """
    from orchestration.checks import run_checks
    from orchestration.publishing import publish as run

    rooms = _open(create=False)
    if not unchecked:
        with err.status("Checking"):
            broken = [result for result in run_checks(rooms.lake, rooms.settings) if not result.passed]
        if broken:
            raise SillageError(
                "The data breaks a rule, and nothing was published",
                found="; ".join(f"{result.check}: {result.findings.failing_rows:,} rows" for result in broken),
                action="build those days again with `sillage build --from …`, or publish with --unchecked",
            )
    with err.status("Publishing"):
        info = run(rooms.lake, rooms.settings)
    data = f"data from {info.data_from} to {info.data_to}" if info.data_to else "without any data: land and build first"
    err.print(f"Published [bold]{info.file}[/]: {data}.")


@app.command
def maintain(*, dry_run: Annotated[bool, Parameter(name="--dry-run", negative="")] = False) -> None:
    """Merge small files, and remove files that are too old to be read. No table has other rows after it.

    Dagster does it every week. It may run beside anything else.

    Args:
        dry_run: Only say what would be done, and change nothing.
    """
    from orchestration.maintenance import maintain as run

    rooms = _open(create=False)
    with progress_bars() as bars:
        task = bars.add_task("Maintaining", total=None)
        report = run(
            rooms.lake, rooms.settings, dry_run=dry_run,
            progress=lambda name, done, total: bars.update(task, completed=done, total=total, detail=name),
        )  # fmt: skip
    show_maintenance(report, dry_run=dry_run)


@app.command(name="serve")
def serve_dashboard(*, host: str | None = None, port: int | None = None) -> None:
    """Serve the dashboard on the published snapshot.

    Args:
        host: Address to listen on. Loopback only, since there is no sign-in.
        port: Port to listen on; 0 takes any that is free.
    """
    from dashboard.server import serve as run
    from lake.settings import get_settings

    run(
        get_settings(), host, port,
        on_ready=lambda url: err.print(f"The dashboard is at [bold]{url}[/]  (Ctrl+C stops it)"),
    )  # fmt: skip


@app.command
def sql(
    query: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    format: Format | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Run one read-only query, in DuckDB's SQL, over the schemas raw, core, kpi and ops.

    Args:
        query: The query; - reads it from standard input.
        format: table, csv, json or parquet; by default what the ending of the file says, and in the terminal a table.
        output: File to write to instead of the terminal.
    """
    from lake.catalog import connect, read_query, time_limit
    from lake.export import format_of, frame_of, write_frame

    kind = format or (format_of(output) if output else "table")
    rooms = _open(create=False)
    text = sys.stdin.read() if query == "-" else query
    con = connect(rooms.lake, rooms.settings, text)
    with time_limit(con, rooms.settings.query_timeout_s):
        frame = frame_of(read_query(con, text), kind)
    note = write_frame(frame, kind, output, width=out.width)
    if note:
        err.print(note, style="dim")


@app.command
def status() -> None:
    """Show the tables with their rows and newest data, the feeds, and what was rejected."""
    from orchestration.status import feed_rows, reject_rows, table_rows

    rooms = _open(create=False)
    out.print(f"Lake [bold]{escape(rooms.lake.uri)}[/], {rooms.lake.buckets} bucket(s)", highlight=False)
    grid("Tables", ("table", "rows", "first day", "last day", "version"), table_rows(rooms.lake))
    grid(
        "Feeds",
        ("feed", "files", "records", "rejected", "newest event (UTC)", "last landed (UTC)"),
        feed_rows(rooms.lake),
    )
    grid("Rejects", ("feed", "reason", "records"), reject_rows(rooms.lake))


@app.command
def doctor() -> None:
    """Check the settings, the credential, the lake and the engines, and say what to do about what is wrong."""
    from orchestration.doctor import examine

    failed = 0
    for finding in examine():
        mark = {"ok": "[green]ok[/]  ", "attention": "[yellow]look[/]", "wrong": "[red]no[/]  "}[finding.state]
        out.print(f"{mark}  {escape(finding.what)}", highlight=False)
        if finding.advice:
            out.print(f"      {escape(finding.advice)}", style="dim", highlight=False)
        failed += finding.state == "wrong"
    if failed:
        sys.exit(1)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        app([a for a in arguments if a != "--debug"])
    except SillageError as error:
        if debug:
            raise
        err.print(error.title, style="red", markup=False, highlight=False)
        for label, text in (("found", error.found), ("expected", error.expected), ("do", error.action)):
            if text:
                err.print(f"  [dim]{label}:[/] ", end="")
                err.print(text, markup=False, highlight=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("Interrupted. What was committed stays; run the command again to finish the rest.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) or type(error).__module__.startswith(("azure.", "deltalake.")):
            err.print("A file, or the storage, could not be read or written", style="red")
            err.print(f"  found: {type(error).__name__}: {str(error).strip()[:500]}", markup=False, highlight=False)
            err.print("  do: check the path, the rights and the credential (`sillage doctor`), and run it again")
            sys.exit(1)
        err.print(f"[red]Something unforeseen went wrong[/]: {type(error).__name__}", highlight=False)
        err.print(str(error).strip()[:500], markup=False, highlight=False)
        err.print("  [dim]do:[/] run it again with --debug for the details, and please report them")
        sys.exit(1)


def _shipped_feed(name: str) -> Path:
    from importlib.resources import files

    return Path(str(files("feeds"))) / f"{name}.toml"


def _refuse_other_feeds(rooms: _Rooms) -> None:
    """A simulated fleet is not put among real vehicles: nothing could take it out again."""
    from lake.tables import open_table

    batches = open_table(rooms.lake, "ops.batches").scan().select("source").unique().collect()
    if others := sorted(set(batches["source"]) - {_SIMULATED}):
        raise SillageError(
            "This lake has feeds of its own",
            found=", ".join(others),
            expected="an empty lake, or one that `sillage demo` has made",
            action="set SILLAGE_LAKE to another for the demo; `sillage serve` shows this one",
        )


def _nothing_published(rooms: _Rooms) -> bool:
    from lake.snapshot import current

    return current(rooms.lake) is None


if __name__ == "__main__":
    main()
