"""The profiles that are shipped for what the simulator writes."""

from __future__ import annotations

from simulator.told import KINDS
from tests.integration.lakes import FEEDS
from transforms.sources.profile import load_profile


def test_the_fleet_is_read_kind_by_kind() -> None:
    kinds = load_profile(FEEDS / "fleet.toml").kinds
    assert {name for kind in kinds.values() for name in kind.when} == set(KINDS)


def test_lines_are_read_as_the_fleet_is() -> None:
    capture, lines = (load_profile(FEEDS / name) for name in ("fleet.toml", "fleet_lines.toml"))
    own = {"like", "name", "title", "format", "files", "received"}
    assert lines.model_dump(exclude=own) == capture.model_dump(exclude=own)
    assert (lines.name, lines.format, lines.received) == ("fleet_lines", "jsonl", "receivedAt")
