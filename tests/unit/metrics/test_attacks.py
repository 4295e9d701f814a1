"""What two questions tell of what is published: all that differ in one filter, or in one dimension of the split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from random import Random
from typing import Any

import duckdb
import pytest

from metrics import Question, Slice, evaluate_all
from metrics.folding import fold_small_values
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
