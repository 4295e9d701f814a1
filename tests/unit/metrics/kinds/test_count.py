"""Amounts: sums of parts, without an interval; segments add up to the whole."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrics import Slice, evaluate, load_contracts
from tests.unit.metrics.platform import MONDAY, database

COUNTS = [m for m in load_contracts().metrics if m.is_total]


@pytest.mark.parametrize("metric", COUNTS, ids=lambda m: m.name)
def test_segments_add_up_to_the_whole(metric: object) -> None:
    name, table = metric.name, load_contracts().table(metric.table)  # type: ignore[attr-defined]
    keys = [key.name for key in table.keys]
    rows = [
        {"date": MONDAY + timedelta(day), table.dimension_names[0]: group}
        | {part: 20 + 7 * number + day for number, part in enumerate(table.part_names)}
        for day in range(2)
        for group in "abc"
    ]
    assert not keys or all(key not in rows[0] for key in keys)
    con, both = database(**{table.name: rows}), Slice(MONDAY, MONDAY + timedelta(1))
    whole = evaluate(con, [name], both).one(name)
    parts = evaluate(con, [name], both, by=(table.dimension_names[0],)).series(name)
    assert len(parts) == 3
    assert whole.value == pytest.approx(sum(v.value or 0 for v in parts))
    assert (whole.low, whole.high, whole.denominator) == (None, None, None)
