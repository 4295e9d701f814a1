"""Small files that are read together: the same rows, rejects and counts as one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.unit.sources.reading import BOUNDS, KEY, WRITTEN, profile
from transforms.sources.canonical import Decoded
from transforms.sources.reader import FeedReader, SmallFile

FEED = profile(format="jsonl")
LINES = [
    '{"vehicle":"a","at":"2024-01-01T00:00:00Z","speed":1}',
    '{"vehicle":"b","at":"2024-01-01T00:00:01Z","speed":2.5}',
    '[{"vehicle":"a","at":"2024-01-01T00:00:02Z"},{"vehicle":"c","at":"2024-01-01T00:00:03Z"},7]',
    '{"vehicle":"a","at":"2024-01-01T00:00:00Z","new":{"x":1}}',
    '{"vehicle":"a","at":"never"}',
    "no JSON",
    "",
]


def at(path: Path) -> Callable[[], AbstractContextManager[Path]]:
    return lambda: nullcontext(path)


def alone(files: Sequence[SmallFile]) -> list[Decoded]:
    """Each file read by itself, its blocks joined."""
    out = []
    for file in files:
        reader = FeedReader(FEED, KEY, BOUNDS)
        with file.open() as path:
            found = [task() for task in reader.tasks(path, file.name, file.modified_at)]
        assert len(found) <= 1
        out.append(found[0] if found else Decoded(0))
    return out


def rows_of(decoded: Decoded, low: int, high: int) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """What of a block lies between two records, numbered from the first."""
    inside = pl.col("record").is_between(low, high, closed="left")
    rows = decoded.rows.get("telemetry")
    mine = None if rows is None else rows.filter(inside).with_columns(pl.col("record") - low)
    return mine, decoded.rejects.filter(inside).with_columns(pl.col("record") - low)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(contents=st.lists(st.lists(st.sampled_from(LINES), max_size=5), min_size=1, max_size=4))
def test_gathered_files_are_as_each_alone(contents: list[list[str]], tmp_path: Path) -> None:
    files = []
    for number, lines in enumerate(contents):
        path = tmp_path / f"{number}.jsonl"
        path.write_text("\n".join(lines))
        files.append(SmallFile(at(path), path.name, WRITTEN + timedelta(hours=number)))
    (together,) = FeedReader(FEED, KEY, BOUNDS).gather(files) if any(map("".join, contents)) else (None,)
    expected = alone(files)
    if together is None:
        assert sum(one.records for one in expected) == 0
        return
    ends = together.ends or (together.records,)
    assert np.diff(ends, prepend=0).tolist() == [one.records for one in expected]
    for one, low, high in zip(expected, (0, *ends[:-1]), ends, strict=True):
        rows, rejects = rows_of(together, low, high)
        assert_frame_equal(rejects, one.rejects)
        wanted = one.rows.get("telemetry")
        if wanted is None:
            assert rows is None or rows.is_empty()
        else:
            assert rows is not None
            columns = [c for c in rows.columns if c in wanted.columns or rows[c].null_count() < rows.height]
            assert_frame_equal(rows.select(columns), wanted, check_column_order=False, check_dtypes=False)


def test_feeds_that_read_from_the_path_do_not_gather() -> None:
    assert FeedReader(FEED, KEY, BOUNDS).gathers
    by_path = profile(format="jsonl", vehicle={"path": "(.+)"})
    assert not FeedReader(by_path, KEY, BOUNDS).gathers
    assert not FeedReader(profile(), KEY, BOUNDS).gathers
