"""What kinds share that read rows by a further column: a class of lengths, a step, an age. No kind itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from metrics.contract import Metric

_FOLDER = Path(__file__).parent
#: What a sum or a product of doubles may be off by.
SLACK = 1e-9


@dataclass(frozen=True)
class Rows:
    """Where the SQL of a kind finds its rows: per split, period, group, day and ``key`` the sums of its parts.

    Attributes:
        name: what to select from; it has also ``unit``, ``newest`` and ``days`` of the period.
        dimensions: columns that tell groups apart.
        as_of: SQL of the newest day that counts.
    """

    name: str
    dimensions: tuple[str, ...]
    as_of: str

    def group(self, alias: str = "") -> str:
        """The columns of a cell, of the relation of that name if it is given."""
        at = f"{alias}." if alias else ""
        return ", ".join([f"{at}split", f"{at}period", *(f'{at}"{name}"' for name in self.dimensions)])

    def same(self, one: str, other: str) -> str:
        """That two relations speak of the same cell."""
        names = ("split", "period", *(f'"{name}"' for name in self.dimensions))
        return " and ".join(f"{one}.{name} = {other}.{name}" for name in names)


class Keyed(Metric):
    """A metric that is worked out of the rows of each cell by a further column."""

    #: Whether denominators count vehicles: no fewer of them may be told of than of any group.
    is_of_vehicles: ClassVar[bool] = False

    over_time: Literal["sum", "last"] = "sum"

    @property
    def is_share(self) -> bool:
        """The value has no two parts, and is ``scale`` by a share of the cases or the exposure in its denominator."""
        return False

    @property
    def read_by(self) -> str:
        """Column that rows are told apart by."""
        return next(iter(self.key))

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that are summed."""
        return tuple(dict.fromkeys(getattr(self, name) for name in self.named_parts))

    @property
    @abstractmethod
    def holes(self) -> Mapping[str, Any]:
        """What the kind's SQL is filled in with, beside what all kinds are."""

    def measured(self, rows: Rows) -> str:
        """SQL, after ``with``, of a row per cell, and per value of the axis, with ``axis`` and figures of the cell.

        Args:
            rows: what it is worked out of.
        """
        newest = "filter (where date = newest)" if self.over_time == "last" else ""
        return _template(self.kind).format(
            name=self.name, group=rows.group(), rows=rows.name, as_of=rows.as_of, scale=repr(self.scale),
            newest=newest, **self.holes, **self.holes_of(rows),
        )  # fmt: skip

    def holes_of(self, rows: Rows) -> Mapping[str, Any]:  # noqa: ARG002 - most kinds need no more of them
        """What depends on where the rows are."""
        return {}


@lru_cache
def _template(kind: str) -> str:
    return (_FOLDER / f"{kind}.sql").read_text(encoding="utf-8")
