"""What importing a room does, and what it must not do."""

from __future__ import annotations

import subprocess
import sys

import pytest

_THREADS = """
import os, {room}
print([open(f"/proc/self/task/{{thread}}/comm").read() for thread in os.listdir("/proc/self/task")])
"""


@pytest.mark.parametrize("room", ["orchestration.building", "orchestration.landing", "transforms.kpi", "lake.catalog"])
def test_a_room_computes_nothing_when_it_is_imported(room: str) -> None:
    """A process that is forked behind an import would wait for ever for threads that it does not have."""
    done = subprocess.run(
        [sys.executable, "-c", _THREADS.format(room=room)], capture_output=True, text=True, check=True
    )
    assert "polars-0" not in done.stdout
