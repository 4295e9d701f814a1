"""Every metric of every kind says the same in Python, in the macro, in the view, and in the published snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from metrics import Contracts, KpiTable, Metric, Slice, evaluate, macro_statements
from metrics.protection import add_keys
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import KINDS, MONDAY, database, frame

DAYS = 12
LAST = MONDAY + timedelta(DAYS - 1)
#: Cohorts are of any age by then, some not yet old enough.
AS_OF = MONDAY + timedelta(36)
WHOLE = Slice(MONDAY, LAST)
FIGURES = ("value", "numerator", "denominator", "vehicles", "suppressed", "dominated")
_KEYS: dict[str, list[Any]] = {
    "log_bucket": [-32768, 12, 80, 230],
    "duration_days": [-1, 0, 2, 9],
    "age_weeks": [0, 1, 2, 4],
    "step": ["delivered", "consented", "used"],
}


def _rows(table: KpiTable, contracts: Contracts) -> list[dict[str, Any]]:
    """Rows of some days and groups, small ones among them; what does not depend on a key stands in its first row."""
    random = Random(table.table)
    rows = []
    steps = [s.name for m in table.metrics if m.kind == "funnel" for s in m.steps]  # type: ignore[attr-defined]
    for day in range(DAYS):
        for market, model in (("FR", "Corvid"), ("FR", "Heron"), ("DE", "Heron"), ("CN", "Corvid")):
            groups = {"market": market, "model": model}
            size = random.choice([0, 4, 30, 80])
            row = {name: value for name, value in groups.items() if name in table.dimension_names}
            keys = [{}]
            for key in table.keys:
                values = steps if key.name == "step" and steps else _KEYS[key.name]
                keys = [known | {key.name: value} for known in keys for value in values]
            for number, key in enumerate(keys):
                parts = {name: random.randint(0, size) for name in table.part_names}
                parts |= {"vehicles": size if number == 0 else 0}
                rows.append({"date": MONDAY + timedelta(day)} | row | key | parts)
    return rows


@dataclass(frozen=True)
class Platform:
    """The lake's session and the published snapshot, of contracts that have every kind."""

    lake: Any
    snapshot: Any
    contracts: Contracts


@pytest.fixture(scope="module", params=[None, b"nobody knows it"], ids=["exact", "protected"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    contracts = KINDS.as_published("none" if request.param is None else "cells")
    rows = {table.name: _rows(table, KINDS) for table in KINDS.tables}
    con = database(KINDS, **rows)
    if request.param is not None:
        add_keys(con, KINDS, request.param)
    for statement in macro_statements(contracts, as_of=AS_OF):
        con.execute(statement)
    folder: Path = tmp_path_factory.mktemp("published")
    frames = {t.table: frame(t.name, rows[t.name], KINDS) for t in KINDS.tables}
    published_at = datetime.combine(AS_OF + timedelta(1), datetime.min.time(), UTC)
    info = write_figures(
        folder, frames, contracts=KINDS, secret=request.param, version="1", provisional_days=0,
        published_at=published_at,
    )  # fmt: skip
    with con, duckdb.connect(folder / info.file, read_only=True) as snapshot:
        yield Platform(con, snapshot, contracts)


def _told(con: Any, contracts: Contracts, metric: Metric, by: tuple[str, ...], as_of: Any) -> dict[Any, Any]:
    values = evaluate(con, [metric.name], WHOLE, by=("date", *by), as_of=as_of, contracts=contracts)
    return {(v.period, *v.group): tuple(getattr(v, name) for name in FIGURES) for v in values}


def _macro(con: Any, metric: Metric, by: tuple[str, ...]) -> dict[Any, Any]:
    columns = ", ".join(("date", *by, *FIGURES))
    ask = {"name": metric.name, "by": list(by)}
    rows = con.execute(f"select {columns} from metric($name, by := $by)", ask).fetchall()
    return {row[: 1 + len(by)]: row[1 + len(by) :] for row in rows}


@pytest.mark.parametrize("metric", KINDS.metrics, ids=lambda m: m.name)
def test_the_same_figure_everywhere(platform: Platform, metric: Metric) -> None:
    contracts, lake, snapshot = platform.contracts, platform.lake, platform.snapshot
    dimensions = contracts.table(metric.table).dimension_names
    splits: list[tuple[str, ...]] = [(), dimensions[:1], dimensions[:2], dimensions]
    splits += [(metric.axis,), (dimensions[0], metric.axis)] if metric.axis else []
    seen = []
    for by in splits:
        told = _told(lake, contracts, metric, by, AS_OF)
        assert _macro(lake, metric, by) == told
        # The snapshot's newest day that is over is the newest that counts.
        published = _told(snapshot, contracts, metric, by, LAST)
        assert _macro(snapshot, metric, by) == published
        seen += told.values()
    columns = ", ".join(("date", *dimensions, *FIGURES))
    rows = lake.execute(f"select {columns} from metric_values where metric = $name", {"name": metric.name}).fetchall()
    split = 1 + len(dimensions)
    assert {row[:split]: row[split:] for row in rows} == _told(lake, contracts, metric, dimensions, AS_OF)
    assert any(figures[0] for figures in seen), "the test would not see a wrong value"
    assert any(figures[FIGURES.index("suppressed")] for figures in seen), "the test would not see what is withheld"


def test_without_an_as_of_the_newest_day_of_any_kpi_counts() -> None:
    rows = {table.name: _rows(table, KINDS) for table in KINDS.tables}
    con = database(KINDS, **rows)
    for statement in macro_statements(KINDS):
        con.execute(statement)
    for metric in KINDS.metrics:
        assert _macro(con, metric, ("market",)) == _told(con, KINDS, metric, ("market",), None)


def test_what_cannot_be_split_is_an_error_in_sql(platform: Platform) -> None:
    lake = platform.lake
    with pytest.raises(duckdb.Error, match=r"the metrics of kpi\.fleet are not split by step"):
        lake.execute("from metric('heard_share', by := ['step'])")
    with pytest.raises(duckdb.Error, match=r"the metrics of kpi\.retention are not split by step"):
        lake.execute("from metric('retained_week_4', by := ['step'])")
    axes = {m.axis for m in KINDS.metrics if m.axis}
    columns = [row[0] for row in lake.execute("describe metric_values").fetchall()]
    assert columns == ["metric", "date", *(d.name for d in KINDS.dimensions), *sorted(axes), *FIGURES]
