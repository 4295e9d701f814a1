"""What a page asks: everything at once, so that a table is read once for each view."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dashboard import published
from dashboard.pages import overview, usage
from dashboard.published import Published
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from metrics import Evaluation, Question, load_contracts
from orchestration.publishing import write_figures

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)
_GROUP = {"market": "FR", "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}


@pytest.fixture
def platform(tmp_path: Path) -> Published:
    """Seventy days of fifty vehicles, in which every part of every table is 50."""
    days = [date(2026, 3, 14) - timedelta(n) for n in range(70)]
    frames = {}
    for table in load_contracts().tables:
        groups = {name: _GROUP.get(name, "unknown") for name in table.dimension_names}
        keys = {key.name: 0 if key.type == "int" else "none" for key in table.keys}
        rows = [{"date": day} | groups | keys | dict.fromkeys(table.part_names, 50) for day in days]
        frames[table.table] = pl.DataFrame(rows, schema=table.spec.schema.create_empty().schema)
    settings = get_settings(lake=str(tmp_path / "lake"))
    lake, folder = Lake.open(settings), tmp_path / "lake" / "published"
    folder.mkdir()
    point_to(lake, write_figures(folder, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


@pytest.mark.parametrize("body", [overview.BODY, usage.BODY], ids=["overview", "usage"])
def test_a_page_asks_once_for_all_it_shows(platform: Published, body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    evaluate_all = published.evaluate_all

    def counted(con: Any, questions: Sequence[Question], **how: Any) -> list[Evaluation]:
        asked.append(len(questions))
        return evaluate_all(con, questions, **how)

    monkeypatch.setattr(published, "evaluate_all", counted)
    filled = body.answer(platform, "?days=28", "light")
    assert filled["class"] == "body"
    assert len(asked) == 1
    body.answer(platform, "?days=28", "dark")
    assert len(asked) == 1  # the same view again is remembered
    body.answer(platform, "?days=7", "light")
    assert asked[0] == asked[1]
