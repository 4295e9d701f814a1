"""`kill -9` at random moments of landing and building, then again until it ends: the same tables as undisturbed."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from lake.storage import Lake
from tests.conftest import Azurite
from tests.integration.lakes import assert_same, content, environment, settings_for
from tests.integration.landing.commands import run
from tests.integration.shuttles import write_shuttles

#: Kills of each of the two commands: 30 in all.
KILLS = {"local": 9, "azurite": 6}
#: Files of the feed; every commit takes longer on the emulator.
DAYS = {"local": 5, "azurite": 3}
#: Kills that one command goes through on one lake before it is left to end.
IN_A_ROW = 3


@pytest.mark.parametrize("where", ["local", "azurite"])
def test_killed_anywhere_and_run_again_gives_the_tables_of_an_undisturbed_run(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    azurite: Azurite | None = request.getfixturevalue("azurite") if where == "azurite" else None
    feed = write_shuttles(tmp_path / "feed", days=DAYS[where], vehicles=3)
    # A batch per file, several parts per append, a day per step: many moments between two commits.
    small = {"batch_bytes": 1, "part_rows": 1000, "build_rows": 1000}
    commands = {"land": ["land", "--feed", str(feed.profile), str(feed.folder)], "build": ["build"]}
    log = tmp_path / "log"

    def fresh(number: int) -> tuple[Lake, dict[str, str]]:
        place = azurite.new_container() if azurite else tmp_path / f"lake{number}"
        settings = settings_for(place, azurite, **small)
        return Lake.open(settings), environment(settings)

    undisturbed, variables = fresh(0)
    run([["status"]], variables, log)  # the server of processes starts here
    durations = {}
    for name, command in commands.items():
        started = time.monotonic()
        run([command], variables, log)
        durations[name] = time.monotonic() - started
    expected = content(undisturbed)
    assert expected["ops.batches"].height == 2 * len(feed.files)
    assert expected["raw.telemetry"].height == feed.rows
    assert expected["core.trips"].height > 0

    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}, undisturbed: {durations}")
    moments = random.Random(seed)
    killed: Counter[str] = Counter()
    lakes = 0
    while killed.total() < KILLS[where] * len(commands):
        lakes += 1
        lake, variables = fresh(lakes)
        for name, command in commands.items():
            ended = False
            for _ in range(min(IN_A_ROW, KILLS[where] - killed[name])):
                # What was committed before a kill stays, so the next one meets the work further on.
                after = moments.uniform(0, 1.5 * durations[name] / IN_A_ROW)
                ended = not run([command], variables, log, kill_after=after).killed
                print(f"lake {lakes}, {name}: {'ended before' if ended else 'killed at'} {after:.3f} s")
                if ended:
                    break
                killed[name] += 1
            if not ended:
                run([command], variables, log)
        assert_same(content(lake), expected)
    said = run(list(commands.values()), variables, log).said
    assert "Nothing new to land" in said
    assert "Nothing to build" in said
    assert_same(content(lake), expected)
