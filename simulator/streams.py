"""Random streams. Every draw of the simulator comes from a stream named by (seed, purpose, keys).

A stream depends on nothing but its name, so a day's draws are the same whether it is simulated alone, first or after
sixty others.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is drawn for. The numbers are part of what a seed means: never renumber, only add."""

    FLEET = 1
    PLAN = 2
    DRIVE = 3
    WEATHER = 4
    REST = 5
    DELAY = 6
    START = 7
    EQUIPMENT = 8
    DIRT = 9
    TRAITS = 10
    AUTOMATION = 11
    FAILURES = 20
    ADOPTION = 30
    USE = 31
    PAUSE = 32
    COMMAND = 33
    TRAVEL = 34
    ATTACK = 35
    ROLLOUT = 36


def stream(seed: int, purpose: Purpose, *keys: int) -> np.random.Generator:
    """Returns the generator named by a seed, a purpose and non-negative keys (partition, ordinal day, ...)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, int(purpose), *keys])))
