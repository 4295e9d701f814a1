"""What changes the lake: ``land``, ``build``, ``publish`` and ``maintain``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.markup import escape

from lake.errors import SillageError
from sillage.rooms import SIMULATED, open_rooms
from sillage.terminal import counted, err, progress_bars, show_maintenance, show_trial

if TYPE_CHECKING:
    from lake.settings import Settings
    from orchestration.landing import LandingReport
    from transforms.sources.profile import FeedProfile


def land(
    *paths: str,
    feed: Annotated[Path, Parameter(name=["--feed", "-f"])],
    try_: Annotated[bool, Parameter(name="--try", negative="")] = False,
    again: Annotated[bool, Parameter(negative="")] = False,
    now: Annotated[bool, Parameter(negative="")] = False,
) -> bool:
    """Land the files of a feed: what can be read becomes raw rows, the rest rejects with their reason.

    Every file lands once: files that have landed before are skipped, of those that have grown only what is new lands,
    and a run that was interrupted is finished first. Files that were written moments ago are left for the next time.

    Args:
        paths: Files or folders; by default the inbox of the feed in the lake.
        feed: The feed profile, as feeds/nrel_cmap.toml.
        try_: Only show what would land of the files, and write nothing.
        again: Land files once more that have landed before, if no row came of them: the profile was wrong, and is not
            any more.
        now: Land files that were written moments ago, too: nobody is writing to them any more.
    """
    from orchestration.landing import land as run
    from transforms.sources.profile import load_profile

    profile = load_profile(feed)
    if try_:
        _try(profile, paths)
        return False
    rooms = open_rooms()
    with progress_bars() as bars:
        task = bars.add_task(f"Landing {profile.name}", total=None)
        report = run(
            rooms.lake, rooms.settings, profile, paths, again=again, settle=not now,
            progress=lambda done, total, records, _: bars.update(
                task, completed=done, total=max(total, 1), detail=f"{records:,} records"
            ),
        )  # fmt: skip
    _tell_of_files(report, rooms.settings)
    if not report.batches:
        before = "and rows came of them" if again else "before"
        if report.skipped:
            err.print(f"Nothing new to land: {counted(report.skipped, 'file')} had landed {before}.")
        elif not (report.unsettled or report.changed):
            where = f"in {rooms.lake.uri}/inbox/{profile.name} no file fits {' or '.join(profile.files)}"
            err.print(f"Nothing new to land: {where}.", markup=False, highlight=False)
        return False
    rejected = f", [yellow]{report.rejected:,} rejected[/] (see ops.rejects)" if report.rejected else ", none rejected"
    files = counted(report.files, "file")
    err.print(
        f"Landed [bold]{report.landed:,}[/] of {report.records:,} records from {files}{rejected}"
        + (f"; {counted(report.skipped, 'file')} had landed before." if report.skipped else ".")
    )
    if report.records and not report.landed:
        err.print("Correct the profile, see with --try what would land of these files, and land them with --again.")
    if rooms.lake.has_demo_key and profile.name != SIMULATED:
        err.print(
            "[yellow]The vehicles are hashed with the demo key, which is in Sillage's source.[/] For real ones begin a "
            "lake with a SILLAGE_VEHICLE_KEY of your own."
        )
    if report.never_found:
        err.print(f"In no file: {escape(', '.join(report.never_found))}", style="dim", highlight=False)
    return True


def _tell_of_files(report: LandingReport, settings: Settings) -> None:
    """What became of files that did not simply land once."""
    for name in report.abandoned:
        err.print(f"[yellow]A file of an interrupted batch is gone, and nothing of it had landed: {escape(name)}[/]")
    for name in report.changed:
        err.print(f"[yellow]Changed while it was read, and left for the next landing: {escape(name)}[/]")
    if number := len(report.unsettled):
        were = "was written within the last {} s and is" if number == 1 else "were written within the last {} s and are"
        left = were.format(settings.inbox_settle_s)
        err.print(f"{counted(number, 'file')} {left} left for the next landing; --now lands such files at once.")
    if report.grown:
        err.print(f"Of {counted(len(report.grown), 'file')} that had grown only what was new has landed.")
    for name, why in report.anew.items():
        err.print(f"All of {escape(name)} has landed, though it had landed before: {escape(why)}.")


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
    rooms = open_rooms(create=False)
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


def publish(*, unchecked: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Check what was built since the last time, write the KPIs to a snapshot, and make it the one the dashboard reads.

    Where a rule of sql/checks is broken nothing is published, and the dashboard keeps what it has.

    Args:
        unchecked: Publish without the checks.
    """
    from orchestration.checks import run_checks
    from orchestration.publishing import publish as run

    rooms = open_rooms(create=False)
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


def maintain(*, dry_run: Annotated[bool, Parameter(name="--dry-run", negative="")] = False) -> None:
    """Merge small files, and remove files that are too old to be read. No table has other rows after it.

    Dagster does it every week. It may run beside anything else.

    Args:
        dry_run: Only say what would be done, and change nothing.
    """
    from orchestration.maintenance import maintain as run

    rooms = open_rooms(create=False)
    with progress_bars() as bars:
        task = bars.add_task("Maintaining", total=None)
        report = run(
            rooms.lake, rooms.settings, dry_run=dry_run,
            progress=lambda name, done, total: bars.update(task, completed=done, total=total, detail=name),
        )  # fmt: skip
    show_maintenance(report, dry_run=dry_run)
