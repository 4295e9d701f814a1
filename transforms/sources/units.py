"""Unit conversion, resolved once when a profile is read to a factor and an offset."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import pint


class Conversion(NamedTuple):
    """``value_in_column = value_in_feed * factor + offset``."""

    factor: float
    offset: float


@cache
def _registry() -> Any:
    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


#: The unit of the feed is that of the column.
SAME = Conversion(1.0, 0.0)


def conversion(found: str, wanted: str) -> Conversion:
    """The linear conversion from one unit to another.

    Raises:
        ValueError: a unit that pint does not know, or one of another dimension.
    """
    registry = _registry()
    try:
        source, target = registry.Unit(found), registry.Unit(wanted)
        zero, one = (registry.Quantity(x, source).to(target).magnitude for x in (0.0, 1.0))
    except pint.UndefinedUnitError as error:
        raise ValueError(f"{error}; use names as km/h, mile/h, m/s, degF, psi, kPa, Wh") from None
    except pint.DimensionalityError:
        hint = "; for the acceleration of gravity write g_0" if found.strip() == "g" else ""
        raise ValueError(f"{found!r} cannot be converted to {wanted!r}: they measure different things{hint}") from None
    except Exception as error:  # noqa: BLE001 - pint reads an expression, and raises whatever its pieces lead it to
        hint = "; a factor is given as scale" if "scaling factor" in str(error) else ""
        raise ValueError(f"{found!r} is not a unit: {error}{hint}") from None
    return Conversion(float(one - zero), float(zero))
