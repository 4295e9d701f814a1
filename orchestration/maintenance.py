"""Maintenance: small files are merged, and what no reader needs any more is removed. No table has other rows after it.

It may run beside anything else. What another run is just replacing is left for the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial

from lake.commits import files_of
from lake.compaction import Group, merge, reduce, small_files, sweep, sweep_leftovers
from lake.patience import patiently
from lake.settings import Settings
from lake.snapshot import PUBLISHED
from lake.storage import Lake
from lake.tables import Table, open_table
from metrics.specs import table_specs
from orchestration.survey import newest_runs

#: So many small files of a day, or of a table without days, may stay.
_MOST_FILES = 8
#: No publication takes as long.
_PUBLISHING = timedelta(days=1)

#: Called with the table, and tables done and in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TableUpkeep:
    """What became of the files of one table.

    Attributes:
        name: the table.
        before: files that its newest version had.
        after: files that it has now, or would have.
        removed: files that were removed from the storage.
        freed: their bytes.
        left: days, or whole tables, in which another run was quicker: left for the next time.
    """

    name: str
    before: int
    after: int
    removed: int
    freed: int
    left: int = 0


@dataclass
class MaintenanceReport:
    """What a maintenance did, or would do.

    Attributes:
        tables: each table that has files.
        runs_dropped: rows of ``ops.runs`` that newer ones have made void.
        leftovers: unfinished files of publications that were removed.
        leftover_bytes: their bytes.
    """

    tables: list[TableUpkeep] = field(default_factory=list)
    runs_dropped: int = 0
    leftovers: int = 0
    leftover_bytes: int = 0

    @property
    def before(self) -> int:
        """Files of all tables, before."""
        return sum(table.before for table in self.tables)

    @property
    def after(self) -> int:
        """Files of all tables, after."""
        return sum(table.after for table in self.tables)

    @property
    def removed(self) -> int:
        """Files removed from the storage."""
        return self.leftovers + sum(table.removed for table in self.tables)

    @property
    def freed(self) -> int:
        """Bytes that these took."""
        return self.leftover_bytes + sum(table.freed for table in self.tables)

    @property
    def left(self) -> int:
        """Parts in which another run was quicker."""
        return sum(table.left for table in self.tables)


def maintain(
    lake: Lake, settings: Settings, *, dry_run: bool = False, progress: Progress | None = None
) -> MaintenanceReport:
    """Merge the small files of days that are no longer provisional, and remove files that are too old to be read.

    Of ``ops.runs`` only what decides is kept: of each table, input and day the newest row.

    Args:
        lake: the lake.
        settings: which days are provisional, size of a file, how long versions are kept.
        dry_run: change nothing, and report what would change.
        progress: told about what is going on.

    Raises:
        LakeError: a file has other rows than the log says.
    """
    report = MaintenanceReport()
    report.runs_dropped = patiently(lambda: _shorten_runs(lake, dry_run=dry_run))
    before = datetime.now(UTC).date() - timedelta(days=settings.provisional_days)
    specs = table_specs()
    for done, (name, spec) in enumerate(specs.items()):
        if progress:
            progress(name, done, len(specs))
        upkeep = patiently(partial(_maintain_table, Table(lake, spec), settings, before, dry_run=dry_run))
        if upkeep is not None:
            report.tables.append(upkeep)
    if lake.is_local:
        found = sweep_leftovers(lake.path(PUBLISHED), older_than=_PUBLISHING, dry_run=dry_run)
        report.leftovers, report.leftover_bytes = found
    if progress:
        progress("", len(specs), len(specs))
    return report


def _maintain_table(table: Table, settings: Settings, before: date, *, dry_run: bool) -> TableUpkeep | None:
    handle = table.now()
    if handle is None:
        return None
    files = files_of(handle).height
    groups = small_files(table, handle, most_files=_MOST_FILES, rows=settings.part_rows, before=before)
    fewer = left = 0
    for of_day in groups:
        if dry_run or merge(table, of_day):
            fewer += _fewer(of_day)
        else:
            left += 1
    removed, freed = sweep(table, table.now() or handle, days=settings.retention_days, dry_run=dry_run)
    return TableUpkeep(table.spec.name, files, files - fewer, removed, freed, left)


def _fewer(groups: list[Group]) -> int:
    return sum(len(group.paths) - 1 for group in groups)


def _shorten_runs(lake: Lake, *, dry_run: bool) -> int:
    """Rows of ``ops.runs`` that are dropped, since the others say the same without them."""
    table = open_table(lake, "ops.runs")
    handle = table.now()
    if handle is None:
        return 0
    if dry_run:
        rows = table.scan(handle=handle).collect()
        return rows.height - newest_runs(rows.lazy()).collect().height
    return reduce(table, handle, lambda rows: newest_runs(rows.lazy()).collect().select(rows.columns))
