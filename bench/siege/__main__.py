"""Besiege a lake for some minutes, and compare each of its tables with those of an undisturbed run.

python -m bench.siege --minutes 30 --seed 1 [--azure CONNECTION_STRING]
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from bench.siege.comparing import differing
from bench.siege.places import Place, account, folder
from bench.siege.playing import FAULTS, KEY, Siege
from lake.settings import Settings, get_settings
from lake.storage import Lake
from orchestration.building import build
from orchestration.landing import land
from simulator import simulate
from transforms.sources.profile import load_profile

_FEED = Path(__file__).parents[2] / "feeds" / "fleet_lines.toml"
_FIRST_DAY = date(2025, 3, 1)


def besiege(
    *,
    minutes: float,
    seed: int,
    vehicles: int = 3,
    days: int = 28,
    azure: str | None = None,
    faults: Sequence[float] = FAULTS,
) -> tuple[Counter[tuple[str, str]], dict[str, str], list[str]]:
    """Play a siege.

    Args:
        minutes: how long.
        seed: decides what is played.
        vehicles: size of the fleet whose files land.
        days: days of it.
        azure: connection string of an account; a folder is besieged where there is none.
        faults: shares of the account's requests that are hit.

    Returns:
        Attempts by what was played and how it ended, the tables that differ, and what commands said that they never
        should.
    """
    with TemporaryDirectory(prefix="sillage-siege-") as name:
        root = Path(name)
        simulate(
            root, vehicles=vehicles, days=days, first_day=_FIRST_DAY, seed=seed, partitions=1, cadence_s=60,
            window_s=21_600, files="jsonl",
        )  # fmt: skip
        staging, inbox = root / "inbox" / "fleet", root / "in"
        inbox.mkdir()
        with _place(root, azure, seed) as place:
            siege = Siege(place, staging, inbox, seed, faults)
            siege.play(60 * minutes)
            undisturbed = _undisturbed(root, inbox)
            wrong = differing(Lake.open(_settings(place.lake, azure)), undisturbed)
            if place.storage:
                siege.counts |= {("requests", what): n for what, n in place.storage.counts.items()}
    return siege.counts, wrong, siege.unforeseen


def main() -> None:
    """Play, and print what came of it. Exit code 1 where a table differs or something unforeseen was said."""
    parser = argparse.ArgumentParser(prog="bench.siege", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="decides what is played")
    parser.add_argument("--vehicles", type=int, default=3, help="size of the fleet")
    parser.add_argument("--days", type=int, default=28, help="days of it")
    parser.add_argument("--azure", help="connection string of an account, as of Azurite; a folder where not given")
    counts, wrong, unforeseen = besiege(**vars(parser.parse_args()))
    for (act, ended), times in sorted(counts.items()):
        print(f"{act:14} {ended:16} {times:7,}")
    for what in (*(f"{name}: {how}" for name, how in wrong.items()), *unforeseen):
        print(what)
    print("All tables have the rows of the undisturbed run." if not wrong else f"{len(wrong)} tables differ.")
    sys.exit(1 if wrong or unforeseen else 0)


def _place(root: Path, azure: str | None, seed: int) -> AbstractContextManager[Place]:
    if azure is None:
        return folder(root)
    from adlfs import AzureBlobFileSystem  # noqa: PLC0415 - slow, and needed by few

    container = f"siege{uuid.uuid4().hex[:12]}"
    AzureBlobFileSystem(connection_string=azure).mkdir(container)
    return account(azure, f"az://{container}/lake", seed)


def _undisturbed(root: Path, inbox: Path) -> Lake:
    settings = _settings(str(root / "undisturbed"), None)
    lake = Lake.open(settings)
    land(lake, settings, load_profile(_FEED), [str(inbox)])
    build(lake, settings)
    return lake


def _settings(lake: str, azure: str | None) -> Settings:
    more: dict[str, Any] = {} if azure is None else {"azure_connection_string": azure}
    with mock.patch.dict(os.environ, clear=True):
        return get_settings(lake=lake, vehicle_key=KEY, **more)


if __name__ == "__main__":
    main()
