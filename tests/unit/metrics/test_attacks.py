"""What many questions tell of what is published: all pairs that differ in one filter, or in one dimension of the split,
and a thousand questions at once, solved for single vehicles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations, product
from random import Random
from typing import Any

import duckdb
import numpy as np
import pytest

from metrics import Question, Slice, evaluate_all
from metrics.folding import fold_small_values
from metrics.protection import add_keys
from tests.unit.metrics.platform import MONDAY, database, only

FEW = only("driving")
LEAST = 10
SPLITS: tuple[tuple[str, ...], ...] = ((), ("market",), ("model",), ("market", "model"))

Cell = tuple[str, str]
Filter = tuple[tuple[str, ...], tuple[str, ...]]
Asked = tuple[Filter, tuple[str, ...]]


def _fleet(seed: int) -> tuple[duckdb.DuckDBPyConnection, dict[Cell, int]]:
    """A fleet of four markets and three models, some cells small, as it is published, and the vehicles of its cells."""
    random = Random(seed)
    drawn = {cell: random.choice((0, 1, 4, 9, 12, 30)) for cell in product(("CN", "DE", "FR", "MA"), ("A", "B", "C"))}
    rows = [
        {"date": MONDAY, "market": m, "model": k, "vehicles": n, "active_vehicles": n, "trips": n}
        for (m, k), n in drawn.items()
        if n
    ]
    con = database(FEW, driving=rows)
    fold_small_values(con, FEW)
    cells = con.execute("select market, model, sum(vehicles) from kpi.driving group by all").fetchall()
    return con, {(m, k): int(n) for m, k, n in cells}


def _filters(values: list[str]) -> Iterator[tuple[str, ...]]:
    yield ()
    for size in range(1, len(values) + 1):
        yield from combinations(values, size)


def _shown(con: duckdb.DuckDBPyConnection, cells: dict[Cell, int]) -> dict[Asked, set[frozenset[Cell]]]:
    """By filters and split the sets of cells of which a figure is shown. A page asks for all splits at once."""
    markets, models = (sorted({cell[place] for cell in cells}) for place in (0, 1))
    found: dict[Asked, set[frozenset[Cell]]] = {}
    for chosen in product(_filters(markets), _filters(models)):
        narrowed = dict(zip(("market", "model"), chosen, strict=True))
        asked = [Question(("trips",), Slice(MONDAY, MONDAY, narrowed), by) for by in SPLITS]
        inside = [c for c in cells if all(not f or v in f for v, f in zip(c, chosen, strict=True))]
        for question, answer in zip(asked, evaluate_all(con, asked, contracts=FEW), strict=True):
            sets = found.setdefault((chosen, question.by), set())
            for value in answer:
                if value.value is not None:
                    at = dict(zip(question.by, value.group, strict=True))
                    own = [
                        c for c in inside if all(at.get(d, v) == v for d, v in zip(("market", "model"), c, strict=True))
                    ]
                    assert value.value == sum(cells[c] for c in own)
                    sets.add(frozenset(own))
    return found


def _differ_in_one(one: Asked, other: Asked) -> bool:
    filters = sum(a != b for a, b in zip(one[0], other[0], strict=True))
    return filters + len(set(one[1]) ^ set(other[1])) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_no_two_questions_tell_of_a_group_below_ten(seed: int) -> None:
    con, cells = _fleet(seed)
    shown = _shown(con, cells)
    told: list[Any] = []
    for (one, large), (other, small) in product(shown.items(), repeat=2):
        if _differ_in_one(one, other):
            told += [
                (one, other, a - b) for a in large for b in small if b < a and 0 < sum(cells[c] for c in a - b) < LEAST
            ]
    assert told == []
    assert sum(map(len, shown.values())) > 20, "the test would not see a leak"


DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "market": ("CN", "DE", "FR", "IN", "MA"),
    "model": ("A", "B", "C", "D"),
    "model_year": ("2022", "2023", "2024", "2025"),
    "powertrain": ("BEV", "ICE", "PHEV"),
}
MOST_TRIPS = 6
DAYS = tuple(MONDAY + timedelta(day) for day in range(4))
Place = tuple[str, ...]


def _people(
    protected: bool, days: Sequence[date] = DAYS[:1]
) -> tuple[duckdb.DuckDBPyConnection, dict[tuple[date, Place], int], list[Place]]:
    """1,500 vehicles of 190 cells, about fifty of them one vehicle's, each with one to six trips a day.

    Returns:
        What is published, the trips of each day and cell, and the cells of one vehicle.
    """
    random = Random(1)
    where = [
        tuple(random.choices(v, [2.0**-i for i in range(len(v))])[0] for v in DIMENSIONS.values()) for _ in range(1500)
    ]
    trips: dict[tuple[date, Place], int] = {}
    for day, place in product(days, where):
        trips[day, place] = trips.get((day, place), 0) + random.randint(1, MOST_TRIPS)
    rows = [
        {"date": day, **dict(zip(DIMENSIONS, place, strict=True)), "vehicles": where.count(place),
         "active_vehicles": where.count(place), "trips": number}
        for (day, place), number in trips.items()
    ]  # fmt: skip
    con = database(FEW, driving=rows)
    if protected:
        add_keys(con, FEW, b"nobody knows it")
    fold_small_values(con, FEW)
    return con, trips, sorted(place for place in set(where) if where.count(place) == 1)


def _solved(protected: bool, asked: int) -> tuple[list[int], list[int]]:
    """The trips of the cells of one vehicle by least squares of all answers, and as they are."""
    con, trips, single = _people(protected)
    places, random = sorted(place for _, place in trips), Random(2)
    contracts = FEW.as_published("cells" if protected else "none")
    equations, answers = [], []
    for _ in range(asked):
        many = random.choice(list(DIMENSIONS)) if protected else ""  # all else is withheld
        chosen = {
            name: tuple(random.sample(values, random.randint(1, len(values))))
            if not protected or name == many
            else random.choice(((), random.sample(values, 1)))
            for name, values in DIMENSIONS.items()
        }
        (found,) = evaluate_all(con, [Question(("trips",), Slice(MONDAY, MONDAY, chosen))], contracts=contracts)
        if (value := found.one("trips").value) is not None:
            answers.append(value)
            inside = (all(not chosen[n] or v in chosen[n] for n, v in zip(DIMENSIONS, p, strict=True)) for p in places)
            equations.append(list(inside))
    assert len(answers) > asked / 3
    solution = np.linalg.lstsq(np.array(equations, float), np.array(answers), rcond=None)[0]
    solved = dict(zip(places, solution, strict=True))
    guessed = [min(MOST_TRIPS, max(1, round(solved[place]))) for place in single]
    return guessed, [trips[MONDAY, place] for place in single]


def _hits(guessed: Sequence[int], true: Sequence[int]) -> int:
    return sum(one == other for one, other in zip(guessed, true, strict=True))


def _by_chance(guessed: Sequence[int], true: Sequence[int]) -> int:
    """What the same guesses hit in 99 of 100 tries at most, if it is drawn which vehicle they are of."""
    random = Random(1)
    return sorted(_hits(guessed, random.sample(true, len(true))) for _ in range(10_000))[9_900]


def test_a_thousand_answers_tell_of_single_vehicles_where_nothing_protects_them() -> None:
    guessed, true = _solved(protected=False, asked=700)
    assert _hits(guessed, true) > 2 * _by_chance(guessed, true)


def test_a_thousand_unsplit_questions_tell_of_no_vehicle_better_than_by_chance() -> None:
    # With splits it is a little better than by chance: docs/metrics.md, section "Noise".
    guessed, true = _solved(protected=True, asked=1000)
    assert len(true) > 30
    assert _hits(guessed, true) <= _by_chance(guessed, true)


def test_of_sixteen_exports_that_would_tell_of_a_vehicle_one_is_withheld() -> None:
    """Of each single vehicle: with and without each of its own values, in any combination, added and subtracted."""
    con, _, single = _people(protected=True)
    contracts = FEW.as_published("cells")
    told = 0
    for place in single:
        answers = []
        for left_out in product((False, True), repeat=len(DIMENSIONS)):
            chosen = {
                name: tuple(v for v in values if v != own) if out else ()
                for (name, values), own, out in zip(DIMENSIONS.items(), place, left_out, strict=True)
            }
            (found,) = evaluate_all(con, [Question(("trips",), Slice(MONDAY, MONDAY, chosen))], contracts=contracts)
            answers.append(found.one("trips").value)
        told += None not in answers
    assert told == 0


def test_a_day_is_not_its_range_less_the_other_days() -> None:
    """Of cells that one vehicle alone has on one day, and twelve on the others."""
    random = Random(3)
    markets = [f"M{number}" for number in range(60)]
    own = {market: random.randint(1, MOST_TRIPS) for market in markets}
    rows = [
        {"date": day, "market": market, "vehicles": 12, "active_vehicles": 12 if day != DAYS[0] else 1,
         "trips": own[market] if day == DAYS[0] else random.randint(12, 50)}
        for market, day in product(markets, DAYS)
    ]  # fmt: skip
    con = database(FEW, driving=rows)
    add_keys(con, FEW, b"nobody knows it")
    asked = [Question(("trips",), Slice(DAYS[0], DAYS[-1]), by) for by in (("market",), ("market", "date"))]
    whole, daily = evaluate_all(con, asked, contracts=FEW.as_published("cells"))
    known = {value.group[0]: value.value or 0.0 for value in whole}
    hidden = {value.group[0] for value in daily if value.suppressed and value.period == DAYS[0]}
    for value in daily:
        known[value.group[0]] -= value.value or 0.0
    assert hidden == set(markets)
    guessed, true = [round(known[market]) for market in markets], [own[market] for market in markets]
    assert _hits(guessed, true) <= _by_chance(guessed, true)
