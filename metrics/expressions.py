"""Expressions over parts: ``sum(part)``, ``metric(count)``, numbers, ``+ - * /`` and parentheses.

Nothing else is let in: a sum of parts re-aggregates over any slice, and only a plain sum can be taken of the newest
day alone. So a contract cannot hold a ratio that does not add up, nor SQL that does anything else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from functools import lru_cache
from math import isfinite

_SIGNS: dict[type[ast.operator | ast.unaryop], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.USub: "-", ast.UAdd: "+",
}  # fmt: skip
_NAMED = ("sum", "metric")


class ExpressionError(ValueError):
    """An expression is not made of sums of parts. The message says what was found."""


@lru_cache(maxsize=2048)
def _parse(text: str) -> ast.expr:
    """The tree of an expression; the little that is let in is written the same in Python and in SQL."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise ExpressionError(f"{text.strip()!r} is not an expression") from None


def _calls(text: str, function: str) -> tuple[str, ...]:
    found = set()
    for node in ast.walk(_parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
            found |= {a.id for a in node.args if isinstance(a, ast.Name)}
    return tuple(sorted(found))


def parts_of(text: str) -> tuple[str, ...]:
    """The parts an expression sums, sorted."""
    return _calls(text, "sum")


def metrics_of(text: str) -> tuple[str, ...]:
    """The metrics an expression names, sorted."""
    return _calls(text, "metric")


def check_expression(text: str, parts: Collection[str]) -> None:
    """Refuse what is not arithmetic on sums of the given parts.

    Raises:
        ExpressionError: says what was found.
    """

    def leaf(node: ast.Call, name: str) -> str:
        if _function(node) != "sum" or name not in parts:
            raise ExpressionError(f"{name} is not a part of the table")
        return ""

    _render(_parse(text), leaf)
    if not parts_of(text):
        raise ExpressionError("no sum of a part in it")


def written_out(text: str, meaning: Callable[[str], str]) -> str:
    """The expression with each ``metric(name)`` replaced by what ``meaning`` says of the name.

    Raises:
        ExpressionError: says what was found that no expression holds; or as ``meaning`` does.
    """
    if not metrics_of(text):
        return text
    return _render(
        _parse(text), lambda node, name: f"({meaning(name)})" if _function(node) == "metric" else f"sum({name})"
    )


def sum_sql(text: str, column: Callable[[str], str]) -> str:
    """The expression as SQL.

    Args:
        text: a checked expression.
        column: the SQL of the sum of a part.
    """
    return _render(_parse(text), lambda _, name: column(name))


def _function(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _render(node: ast.expr, leaf: Callable[[ast.Call, str], str]) -> str:
    if isinstance(node, ast.Call):
        return leaf(node, _name(node))
    if isinstance(node, ast.Constant) and _is_number(node.value):
        return repr(node.value)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        return f"({_SIGNS[type(node.op)]} {_render(node.operand, leaf)})"  # two signs in a row begin a comment of SQL
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        return f"({_render(node.left, leaf)} {_SIGNS[type(node.op)]} {_render(node.right, leaf)})"
    raise ExpressionError(f"{ast.unparse(node)} is neither a sum of a part, nor a number, nor + - * /")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _name(node: ast.Call) -> str:
    if _function(node) not in _NAMED:
        raise ExpressionError(f"{ast.unparse(node)} is neither a sum of a part, nor a number, nor + - * /")
    if len(node.args) != 1 or node.keywords or not isinstance(node.args[0], ast.Name):
        what = "a sum is of one part, as in sum(trips)" if _function(node) == "sum" else "it names one metric"
        raise ExpressionError(f"{ast.unparse(node)}: {what}")
    return node.args[0].id
