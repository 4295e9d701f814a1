"""One measurement: a function in a process of its own, its time and its peak memory."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import roles


@dataclass(frozen=True)
class Measured:
    """Medians over the repetitions.

    Attributes:
        seconds: wall time of the work, without the start of Python and the imports.
        rows: rows that went through.
        peak_mb: most memory that the process held.
    """

    seconds: float
    rows: int
    peak_mb: float

    @property
    def rows_per_s(self) -> float:
        """Rows in a second."""
        return self.rows / self.seconds


def compare(names: tuple[str, ...], folder: Path, repeat: int) -> dict[str, Measured]:
    """Measure several roles in turn, so that a busy moment of the machine meets all of them."""
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            found[name].append(_run(name, folder))
    return {
        name: Measured(
            statistics.median(m.seconds for m in runs), runs[0].rows, statistics.median(m.peak_mb for m in runs)
        )
        for name, runs in found.items()
    }


def _run(name: str, folder: Path) -> Measured:
    command = [sys.executable, "-m", "bench.measure", name, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    role = getattr(roles, name)(folder)
    began = time.perf_counter()
    rows = role()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Most memory that this process held. Where Linux tells, without what its parent held when it started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    _main()
