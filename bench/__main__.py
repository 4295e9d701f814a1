"""Run measurements and write ``docs/performance.md``."""

from __future__ import annotations

import argparse
import os
import platform
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.core import core_tables
from bench.data import NAMES, capture_files, json_lines
from bench.kpi import kpi_tables
from bench.measure import Measured, compare
from bench.pages import filter_changes

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
HEAD = """# Performance

Written by `make bench`. Every speed is a ratio to a baseline that was measured in the same run, the two in turn, each
in a process of its own; what a machine does in a second says little elsewhere. Both write Parquet with zstd at its
first level. Medians of {repeat} runs on {machine}.

"""


def main() -> None:
    """Measure, print and write the page."""
    given = _arguments()
    console = Console(stderr=True)
    lines: list[str] = []
    with TemporaryDirectory(prefix="sillage-bench-", dir=given.folder) as name:
        folder = Path(name)
        if given.only in (None, "paths"):
            lines += _paths(given, folder, console)
        if given.only in (None, "core"):
            with console.status("Measuring: all core tables …"):
                lines += core_tables(folder, given.core_vehicles, given.core_days, given.core_buckets, given.repeat)
        if given.only in (None, "kpi"):
            with console.status("Measuring: a day of the KPI tables …"):
                lines += kpi_tables(folder, given.kpi_vehicles, given.kpi_histories, given.repeat)
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    text = "\n".join(lines) + "\n"
    print(text)
    if not given.dry:
        known = _sections(PAGE.read_text()) if PAGE.exists() else {}
        PAGE.write_text(HEAD.format(repeat=given.repeat, machine=machine) + "".join((known | _sections(text)).values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each role")
    parser.add_argument("--only", choices=["paths", "core", "kpi"], help="these sections; the others of the page stay")
    parser.add_argument("--json-rows", type=int, default=2_000_000, help="JSON lines that are landed")
    parser.add_argument("--vehicles", type=int, default=500, help="vehicles of the simulated fleet")
    parser.add_argument("--days", type=int, default=14, help="days of the simulated fleet")
    parser.add_argument(
        "--core-vehicles", type=int, nargs="+", default=[10_000, 30_000, 100_000], help="fleets that core is built for"
    )
    parser.add_argument(
        "--core-days", type=int, nargs="+", default=[1, 2, 4], help="days; after the first, of the smallest fleet"
    )
    parser.add_argument("--core-buckets", type=int, default=16, help="buckets of their lakes")
    parser.add_argument(
        "--kpi-vehicles", type=int, nargs="+", default=[25_000, 100_000], help="fleets that a day of KPIs is for"
    )
    parser.add_argument(
        "--kpi-histories", type=int, nargs="+", default=[30, 400], help="days that are known of a fleet of 2,000"
    )
    parser.add_argument("--folder", type=Path, help="where the inputs are made; a temporary folder unless given")
    parser.add_argument("--dry", action="store_true", help="print only")
    return parser.parse_args()


def _paths(given: argparse.Namespace, folder: Path, console: Console) -> list[str]:
    """Landing, trips, memory and filter changes."""
    lines: list[str] = []
    with console.status("Making the inputs …"):
        for way in NAMES:
            json_lines(folder / f"json-{way}", given.json_rows, way)
        capture_files(folder / "capture", given.vehicles, given.days)
        json_lines(folder / "triple" / "json-columns", given.json_rows * 3, "columns")
    for title, names in SECTIONS.items():
        with console.status(f"Measuring: {title} …"):
            lines += _section(title, compare(names, folder, given.repeat))
    with console.status("Measuring: memory …"):
        lines += _memory(
            compare(("sillage_json",), folder, 1)["sillage_json"],
            compare(("sillage_json",), folder / "triple", 1)["sillage_json"],
        )
    with console.status("Measuring: filter changes …"):
        return lines + filter_changes(folder)


def _sections(text: str) -> dict[str, str]:
    """The sections of a page by their titles, without what comes before the first."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.rstrip("\n") + "\n\n" for part in parts if part.startswith("## ")}


SECTIONS: dict[str, tuple[str, ...]] = {
    "Landing JSON lines, 15 fields": ("duckdb_json", "sillage_json"),
    "Landing JSON lines, 15 fields named by their VSS paths": ("duckdb_json_vss", "sillage_json_vss"),
    "Landing Event Hubs Capture, JSON bodies": ("duckdb_capture", "duckdb_envelopes", "sillage_capture"),
    "Trips from landed telemetry": ("duckdb_sorted_copy", "duckdb_two_stages", "sillage_trips", "sillage_build_trips"),
}

WORDS = {
    "duckdb_json": "DuckDB, `read_json` to Parquet (baseline)",
    "sillage_json": "Sillage, JSON lines to committed Delta",
    "duckdb_json_vss": "DuckDB, `read_json` to Parquet (baseline)",
    "sillage_json_vss": "Sillage, JSON lines to committed Delta",
    "duckdb_capture": "DuckDB, `read_avro` and `from_json` to Parquet, bodies in typed columns (baseline)",
    "duckdb_envelopes": "DuckDB, `read_avro` to Parquet, bodies as they are",
    "sillage_capture": "Sillage, Capture to committed Delta, bodies decoded",
    "duckdb_sorted_copy": "DuckDB, read the same columns, sort, write (baseline)",
    "duckdb_two_stages": "DuckDB, hand-written window query in two stages",
    "sillage_trips": "Sillage, `trips()` on the landed table",
    "sillage_build_trips": "Sillage, the whole build of `core.trips`",
}


def _section(title: str, found: dict[str, Measured]) -> list[str]:
    baseline = next(iter(found.values()))
    lines = [f"## {title}", "", "| what | rows | rows/s | ratio | peak memory |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {WORDS[name]} | {m.rows:,} | {m.rows_per_s:,.0f} | {m.rows_per_s / baseline.rows_per_s:.2f} "
        f"| {m.peak_mb:,.0f} MB |"
        for name, m in found.items()
    ]
    return [*lines, ""]


def _memory(small: Measured, large: Measured) -> list[str]:
    return [
        "## Memory does not grow with the input", "", "| JSON lines | peak memory |", "|---:|---:|",
        *(f"| {m.rows:,} | {m.peak_mb:,.0f} MB |" for m in (small, large)), "",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
