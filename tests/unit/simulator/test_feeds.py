"""The profiles that are shipped for what the simulator writes."""

from __future__ import annotations

import tomllib

from simulator.told import KINDS
from tests.integration.lakes import FEEDS


def test_both_profiles_read_the_same_kinds() -> None:
    capture, lines = (tomllib.loads((FEEDS / name).read_text()) for name in ("fleet.toml", "fleet_lines.toml"))
    assert capture["kinds"] == lines["kinds"]
    assert {kind["when"] for kind in capture["kinds"].values()} == set(KINDS)
    assert (capture["vehicle"], capture["time"]) == (lines["vehicle"], lines["time"])
