"""The glossary tells every contract as it is, also where there are no figures of it."""

from __future__ import annotations

import csv
from io import StringIO

from dashboard.pages import glossary
from dashboard.view.published import Published
from dashboard.web.routes import _export
from metrics import load_contracts
from tests.unit.dashboard.test_pages import published

__all__ = ["published"]


def test_every_metric_has_its_entry(published: Published) -> None:
    words = str(glossary.PAGE.answer(published, "", None)["cards"]["metrics"]["content"])
    for metric in load_contracts().metrics:
        assert f"id='metric-{metric.name}'" in words
        assert metric.owner in words


def test_an_entry_says_where_its_figures_come_from(published: Published) -> None:
    content = glossary.PAGE.answer(published, "", None)["cards"]["metrics"]["content"]
    words = str(next(part for part in content._traverse() if getattr(part, "id", "") == "metric-adoption"))
    for told in ("core.service_sessions", "kpi.service_lifecycle", "sum(tried_vehicles)", "95%, wilson"):
        assert told in words


def test_the_glossary_is_there_whatever_is_filtered(published: Published) -> None:
    answer = glossary.PAGE.answer(published, "?market=FR&days=7", None)
    assert answer["class"] == "body"
    assert "metric-distance" in str(answer["cards"]["metrics"]["content"])


def test_the_glossary_is_exported_row_by_row(published: Published) -> None:
    answer = _export(glossary.PAGE, "metrics", "", published)
    assert answer.status_code == 200
    text = bytes(answer.body).decode()
    found = {row["Metric"]: row for row in csv.DictReader(line for line in StringIO(text) if not line.startswith("#"))}
    assert set(found) == {metric.name for metric in load_contracts().metrics}
    distance = found["distance"]
    assert (distance["KPI table"], distance["Unit"], distance["Over days"]) == ("kpi.driving", "km", "days add up")
    assert "core.vehicle_days" in distance["Made of"]
