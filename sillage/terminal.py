"""What the command line shows: two consoles, progress bars, tables, sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.progress import Progress

    from orchestration.maintenance import MaintenanceReport
    from orchestration.trying import Trial

#: Of a trial: so many reasons, and so much of an example and of a value.
_REASONS, _EXAMPLE, _CELL = 10, 300, 20
_AS_IT_IS: dict[str, Any] = {"highlight": False, "soft_wrap": True}

out = Console()
err = Console(stderr=True, soft_wrap=True)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Progress bars on a terminal; nothing where the output goes to a file."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        add = bars.add_task
        bars.add_task = lambda *a, **k: add(*a, **{"detail": "", **k})  # type: ignore[method-assign]
        yield bars


def grid(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table; numbers on the right."""
    if not rows:
        out.print(f"\n[bold]{title}[/]: none")
        return
    shown = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        numeric = all(row[number].replace(",", "").isdigit() for row in rows)
        shown.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*map(escape, row))
    out.print()
    out.print(shown)


def show_trial(trial: Trial) -> None:
    """Print what would land: counts, why records would be rejected with an example each, some rows."""
    rejected = f", [yellow]{trial.rejected:,} rejected[/]" if trial.rejected else ", none rejected"
    files = counted(trial.files, "file")
    out.print(
        f"Would land [bold]{trial.landed:,}[/] of {trial.records:,} records from {files}{rejected}. "
        "Nothing was written.",
        soft_wrap=True,
    )
    for reason in sorted(trial.reasons.values(), key=lambda reason: -reason.records)[:_REASONS]:
        out.print(f"\n[yellow]{reason.records:,} rejected[/], as {escape(reason.place)}", **_AS_IT_IS)
        sent = reason.original.decode("utf-8", "backslashreplace")[:_EXAMPLE].splitlines()
        for label, text in (("why", reason.example), ("sent", " ".join(sent))):
            out.print(f"  [dim]{label}:[/] {escape(text)}", **_AS_IT_IS)
    for label, names in (("In no file", trial.never_found), ("Read by no column, so in extras", trial.not_read)):
        if names:
            out.print(f"\n{label}: {escape(', '.join(names))}", **_AS_IT_IS)
    for kind, rows in trial.rows.items():
        filled = [name for name in rows.columns if rows[name].null_count() < rows.height and name != "record"]
        cells = [(name, *map(_cell, rows[name])) for name in filled]
        grid(f"raw.{kind}", ("column", *(f"row {n + 1}" for n in range(rows.height))), cells)


def show_maintenance(report: MaintenanceReport, *, dry_run: bool) -> None:
    """Print the tables of which something was merged or removed, or would be, and the sums."""
    grid(
        "Tables",
        ("table", "files before", "files after", "removed", "freed"),
        [
            (table.name, f"{table.before:,}", f"{table.after:,}", f"{table.removed:,}", in_bytes(table.freed))
            for table in report.tables
            if table.before != table.after or table.removed
        ],
    )
    would = "Nothing was changed. There would be" if dry_run else "Done: there are"
    out.print(
        f"\n{would} [bold]{report.after:,}[/] files in the place of {report.before:,}, {report.removed:,} old ones "
        f"removed ({in_bytes(report.freed)}), {report.runs_dropped:,} rows of ops.runs dropped.",
        **_AS_IT_IS,
    )
    if report.left:
        out.print(f"Another run was writing in {report.left:,} places: left for the next time.", **_AS_IT_IS)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)[:_CELL]


def counted(count: int, noun: str) -> str:
    """A number of things: ``1 file``, ``1,024 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def in_bytes(size: float) -> str:
    """A size in a unit that suits it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
