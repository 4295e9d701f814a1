"""Any figure on any page is what ``sillage metric`` says for the same filters: a walk over all cards of all pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard.draw.sheets import Sheet
from dashboard.pages import PAGES
from dashboard.view.address import View, parse
from dashboard.view.published import PERIODS, Answers, Published, Question
from lake.settings import Settings
from tests.e2e.asking import metrics

_GRAINS = {"date": "day", "week": "week", "month": "month"}
#: How a question is split, and its first day.
Way = tuple[tuple[str, ...], date]
#: A figure of one way: metric, period, group.
Figure = tuple[str, str, tuple[str, ...]]


def way_of(question: Question, view: View) -> Way:
    return question.by, view.since(question.back).first


def asked_of(way: Way, names: list[str], view: View) -> list[str]:
    """The arguments of the command for the metrics of one way."""
    by, first = way
    told = [*names, "--from", first.isoformat(), "--to", view.last.isoformat()]
    for name in by:
        told += ["--grain", _GRAINS[name]] if name in PERIODS else ["--by", name]
    for name, values in view.chosen:
        told += [part for value in values for part in ("--where", f"{name}={value}")]
    return told


def said(lines: list[dict[str, str]], by: tuple[str, ...]) -> dict[Figure, float | None]:
    groups = tuple(name for name in by if name not in PERIODS)
    return {
        (line["metric"], line["period"], tuple(line[name] for name in groups)): float(line["value"])
        if line["value"]
        else None
        for line in lines
    }


def digits(value: float | None) -> str:
    """The digits of a figure without the last, in which two sums of the same may differ."""
    return "" if value is None else f"{value:.10g}"


def marked(content: Any) -> Iterator[tuple[str, float]]:
    """The metrics and values of the tiles and headlines in what a page answers."""
    if isinstance(content, dict):
        if content.get("data-metric") and content.get("data-value"):
            yield content["data-metric"], float(content["data-value"])
        for part in content.values():
            yield from marked(part)
    elif isinstance(content, list):
        for part in content:
            yield from marked(part)


def numbers_of(sheet: Sheet) -> Iterator[tuple[str, float]]:
    """The figures in the columns of a table that are a metric's own, by metric."""
    for contract in sheet.contracts:
        for place, column in enumerate(sheet.columns):
            its_own = column.contract is not None and column.contract.name == contract.name
            if its_own and column.label in (contract.label, contract.short):
                yield from ((contract.name, value) for value in sheet.numbers(place) if value is not None)


@pytest.mark.parametrize("search", ["", "?days=7&market=FR&market=JP"])
def test_every_figure_is_what_the_command_says(whole: Settings, whole_published: Published, search: str) -> None:
    with whole_published.reading() as reading:
        assert reading.catalogue is not None
        view, notes = parse(search, reading.catalogue)
        assert notes == []
        told: list[tuple[str, Sheet, Answers, tuple[Question, ...]]] = []
        for page in PAGES:
            for card in page.cards:
                found = reading.ask(view, card.ask(view))
                known = tuple(question for question in card.ask(view) if not found.lacking([question]))
                if known and (card.frame(reading.contracts, view.reader).stands_in_part or known == card.ask(view)):
                    told.append((f"{page.name}/{card.name}", card.sheet(view, found), found, known))
    ways: dict[Way, dict[str, None]] = {}
    for _, _, _, questions in told:
        for question in questions:
            ways.setdefault(way_of(question, view), {}).update(dict.fromkeys(question.metrics))
    answers = metrics(whole, [asked_of(way, list(names), view) for way, names in ways.items()])
    expected = {way: said(lines, way[0]) for way, lines in zip(ways, answers, strict=True)}
    wrong, figures = [], 0
    for name, sheet, found, questions in told:
        truth = [expected[way_of(question, view)] for question in questions]
        for question, known_ in zip(questions, truth, strict=True):
            for value in found.of(question):
                period = value.period.isoformat() if value.period else ""
                if known_[value.metric, period, value.group] != pytest.approx(value.value):
                    wrong.append((name, question.by, value.metric, period, value.group, value.value))
                figures += 1
        values = {(metric, digits(v)) for each in truth for (metric, _, _), v in each.items()}
        wrong += [(name, "table", metric, v) for metric, v in numbers_of(sheet) if (metric, digits(v)) not in values]
        exported = ((v.metric, digits(v.value)) for v in sheet.values)
        wrong += [(name, "export", *figure) for figure in exported if figure not in values]
    assert wrong == []
    assert len(told) > 50
    assert figures > 1000
    whole_slice = expected[(), view.first]
    for page in PAGES:
        content = json.loads(json.dumps(page.answer(whole_published, search, None)["cards"], cls=PlotlyJSONEncoder))
        for metric, number in marked(content):
            assert whole_slice[metric, "", ()] == pytest.approx(number), f"{page.name}: {metric}"
