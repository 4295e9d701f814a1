"""Expressions over parts: ``sum(part)``, numbers, ``+ - * /`` and parentheses.

Nothing else is let in: a sum of parts re-aggregates over any slice, and only a plain sum can be taken of the newest
day alone. So a contract cannot hold a ratio that does not add up, nor SQL that does anything else.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Paren)


class ExpressionError(ValueError):
    """An expression is not made of sums of parts. The message says what was found."""


@lru_cache(maxsize=1024)
def _parse(text: str) -> exp.Expression:
    try:
        parsed = sqlglot.parse_one(text, read="duckdb")
    except SqlglotError as error:
        raise ExpressionError(f"not SQL: {str(error).splitlines()[0]}") from None
    assert isinstance(parsed, exp.Expression)
    return parsed


def parts_of(text: str) -> tuple[str, ...]:
    """The parts an expression sums, sorted."""
    return tuple(sorted({column.name for column in _parse(text).find_all(exp.Column)}))


def check_expression(text: str, parts: Collection[str]) -> None:
    """Refuse what is not arithmetic on sums of the given parts.

    Raises:
        ExpressionError: says what was found.
    """
    sums = 0
    todo = [_parse(text)]
    while todo:
        node = todo.pop()
        if isinstance(node, exp.Sum):
            column = node.this
            if not isinstance(column, exp.Column) or column.table:
                raise ExpressionError(f"{node.sql('duckdb').lower()}: a sum is of one part, as in sum(trips)")
            if column.name not in parts:
                raise ExpressionError(f"{column.name} is not a part of the table")
            sums += 1
        elif isinstance(node, _ARITHMETIC):
            todo += [child for child in node.args.values() if isinstance(child, exp.Expression)]
        elif not (isinstance(node, exp.Literal) and not node.is_string):
            raise ExpressionError(f"{node.sql('duckdb').lower()} is neither a sum of a part, nor a number, nor + - * /")
    if not sums:
        raise ExpressionError("no sum of a part in it")


@lru_cache(maxsize=1024)
def expression_sql(text: str, newest_day_only: bool = False) -> str:
    """The expression as DuckDB SQL that is a double and never null where there are rows.

    Args:
        text: a checked expression.
        newest_day_only: sum only the rows whose ``date`` is ``as_of``.
    """

    def render(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Sum):
            return node
        only = " filter (where date = as_of)" if newest_day_only else ""
        column = exp.to_identifier(node.this.name, quoted=True).sql("duckdb")
        rendered = sqlglot.parse_one(f"coalesce(sum({column}){only}, 0)", read="duckdb")
        assert isinstance(rendered, exp.Expression)
        return rendered

    return f"cast({_parse(text).transform(render).sql('duckdb')} as double)"
