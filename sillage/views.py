"""What only reads: ``serve``, ``sql``, ``status`` and ``doctor``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from lake.errors import SettingsError
from lake.export import Format
from sillage.rooms import open_rooms
from sillage.terminal import err, grid, out

#: Processes that serve the dashboard, unless told otherwise.
_MOST_WORKERS = 8


def serve_dashboard(*, host: str | None = None, port: int | None = None, workers: int | None = None) -> None:
    """Serve the dashboard on the published snapshot.

    Args:
        host: Address to listen on. Loopback only, since there is no sign-in.
        port: Port to listen on; 0 takes any that is free.
        workers: Processes that answer, each of about 300 MB; by default as many as there are cores, and 8 at most.
    """
    from dashboard.server import serve as run
    from lake.settings import get_settings

    if workers is not None and workers < 1:
        raise SettingsError("So many workers cannot be", found=str(workers), expected="1 or more")
    run(
        get_settings(), host, port, workers=workers or min(os.cpu_count() or 1, _MOST_WORKERS),
        on_ready=lambda url: err.print(f"The dashboard is at [bold]{url}[/]  (Ctrl+C stops it)"),
    )  # fmt: skip


def sql(
    query: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    format: Format | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Run one read-only query, in DuckDB's SQL, over the schemas raw, core, kpi and ops.

    The query runs with your own rights, in a process of its own: beside the lake it may read files that you may read
    (read_csv('…'), from 'file.parquet', glob, read_text), and it writes none but that of --output. No extension is
    fetched from the network. It ends at SILLAGE_QUERY_TIMEOUT_S and at SILLAGE_QUERY_MEMORY.

    Args:
        query: The query; - reads it from standard input.
        format: table, csv, json or parquet; by default what the ending of the file says, and in the terminal a table.
        output: File to write to instead of the terminal.
    """
    import tempfile

    from lake.export import format_of, whole
    from sillage.asking import Question, ask

    kind = format_of(format, output)
    text = sys.stdin.read() if query == "-" else query
    with tempfile.TemporaryDirectory(prefix="sillage-") as scratch, whole(output, Path(scratch)) as target:
        note = ask(Question(text, kind, target=str(target), spill=f"{scratch}/spill", width=out.width))
    if note:
        err.print(note, style="dim")


def status() -> None:
    """Show the tables with their rows and newest data, the feeds, and what was rejected."""
    from orchestration.status import feed_rows, reject_rows, table_rows

    rooms = open_rooms(create=False)
    out.print(f"Lake [bold]{escape(rooms.lake.uri)}[/], {rooms.lake.buckets} bucket(s)", highlight=False)
    grid("Tables", ("table", "rows", "first day", "last day", "version"), table_rows(rooms.lake))
    grid(
        "Feeds",
        ("feed", "files", "records", "rejected", "newest event (UTC)", "last landed (UTC)"),
        feed_rows(rooms.lake),
    )
    grid("Rejects", ("feed", "reason", "records"), reject_rows(rooms.lake))


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
