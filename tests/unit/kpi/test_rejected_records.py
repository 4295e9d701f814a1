"""The query that says why records were refused: by feed and reason, whatever was found in them."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl
import pytest

from metrics import SQL_FOLDER


def test_reasons_are_counted_without_what_was_found() -> None:
    reasons = ["event_at: found 'x'", "event_at: found 'y'", "not JSON"]
    refused = pl.DataFrame({"source": "fleet", "date": date(2026, 3, 1), "reason": reasons, "file": "a.avro"})
    batches = pl.DataFrame(
        {
            "source": ["fleet", "fleet", "fleet", "cloud"],
            "status": ["planned", "landed", "landed", "landed"],
            "records": [None, 30, 10, 7],
        }
    )
    with duckdb.connect() as con:
        con.execute("create schema ops")
        for name, rows in (("rejects", refused), ("batches", batches)):
            con.register("given", rows)
            con.execute(f"create table ops.{name} as select * from given")
        found = con.execute((SQL_FOLDER / "examples" / "rejected_records.sql").read_text()).pl()
    assert found["reason"].to_list() == ["event_at", "not JSON"]
    assert found["records"].to_list() == [2, 1]
    assert found["of_100_records"].to_list() == pytest.approx([5.0, 2.5])
