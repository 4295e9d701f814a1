"""Trouble codes have a name in plain words, and those without one the name of their class by SAE J2012."""

from __future__ import annotations

import re

import duckdb
import pytest

from lake.schemas.raw.rows import DTC_REGEX
from metrics import SQL_FOLDER
from simulator.failures.causes import CODES

_HEX = "0123456789ABCDEF"


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    return _read("code_names")


@pytest.fixture(scope="module")
def classes() -> dict[str, str]:
    return _read("code_classes")


def _read(name: str) -> dict[str, str]:
    rows = duckdb.sql((SQL_FOLDER / "kpi" / "shared" / f"{name}.sql").read_text()).fetchall()
    assert len({code for code, _ in rows}) == len(rows), "a code stands twice"
    return dict(rows)


def test_every_code_of_the_simulation_has_a_name(names: dict[str, str]) -> None:
    assert {code.code for code in CODES} <= names.keys()


def test_names_are_of_codes_and_no_two_are_the_same(names: dict[str, str]) -> None:
    assert all(re.fullmatch(DTC_REGEX, code) and len(code) == 5 for code in names)
    assert len(set(names.values())) == len(names)


def test_every_code_there_can_be_has_a_class(classes: dict[str, str]) -> None:
    for code in (f"{letter}{digit}{third}" for letter in "PCBU" for digit in "0123" for third in _HEX):
        assert classes.get(code) or classes[code[:2]]
    assert classes["P01"] == "Powertrain, fuel and air metering"
    assert classes["U1"] == "Network, manufacturer's own"
