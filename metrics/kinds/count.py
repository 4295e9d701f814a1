"""``count``: vehicles, trips, kilometres. A sum of parts, or arithmetic on such sums. It has no interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from metrics.contract import Words
from metrics.kinds.plain import Plain


class Count(Plain):
    """An amount.

    Attributes:
        numerator: sums of parts, and arithmetic on them.
    """

    kind: ClassVar[str] = "count"
    expressions: ClassVar[tuple[str, ...]] = ("numerator",)
    is_total: ClassVar[bool] = True

    numerator: Words

    @property
    def sums(self) -> Mapping[str, str]:
        """The numerator alone."""
        return {"numerator": self.numerator}

    @property
    def formula(self) -> str:
        """The numerator."""
        return self.numerator
