"""What kinds share whose value is arithmetic on sums of parts. No kind itself."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from metrics.contract import Metric


class Plain(Metric):
    """A metric whose value is ``scale * numerator / denominator``, both arithmetic on sums of parts."""

    @property
    def sums(self) -> Mapping[str, str]:
        """Column of a cell to its expression: ``numerator``, and as the kind has them ``denominator``, ``squares``."""
        raise NotImplementedError


def whole(expression: str) -> str:
    """In parentheses, if it is more than one thing."""
    tree = ast.parse(expression.strip(), mode="eval").body
    return f"({ast.unparse(tree)})" if isinstance(tree, ast.BinOp) else expression
