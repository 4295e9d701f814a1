"""A siege of a minute: kills, faults, full disks and two of everything, and every table as of an undisturbed run."""

from __future__ import annotations

import pytest

from bench.siege.__main__ import besiege
from tests.conftest import Azurite

#: Days of the fleet; every commit takes longer on the emulator.
DAYS = {"local": 3, "azurite": 2}


@pytest.mark.parametrize("where", ["local", "azurite"])
def test_whatever_happens_meanwhile_the_tables_are_those_of_an_undisturbed_run(
    where: str, request: pytest.FixtureRequest
) -> None:
    azurite: Azurite | None = request.getfixturevalue("azurite") if where == "azurite" else None
    counts, wrong, unforeseen = besiege(
        minutes=1,
        seed=1,
        vehicles=1,
        days=DAYS[where],
        azure=azurite.connection_string if azurite else None,
        faults=(0.1,),
    )
    assert not wrong
    assert not unforeseen
    assert sum(times for (act, ended), times in counts.items() if (act, ended) == ("in peace", "done")) == 3
    assert any(ended == "killed" for _, ended in counts)
