"""``sillage simulate --stream`` as a process: it is stopped with Ctrl+C, goes on, and what it wrote lands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from simulator import begun
from tests.integration.cli.conftest import Run
from tests.integration.lakes import FEEDS


def _streamed(folder: Path, until: int, at: Path) -> subprocess.CompletedProcess[str]:
    """Streams until there are at least ``until`` files."""
    options = ["--vehicles", "5", "--partitions", "2", "--speedup", "7200", "--dirt", "heavy", "--days", "9"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sillage", "simulate", "--out", str(folder), "--stream", *options],
        stderr=subprocess.PIPE, text=True, cwd=at, env=dict(os.environ),
    )  # fmt: skip
    while len(list(folder.rglob("*.avro"))) < until and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    return subprocess.CompletedProcess([], process.returncode, "", said)


def test_a_stream_is_stopped_goes_on_and_lands(run: Run, tmp_path: Path) -> None:
    first = _streamed(tmp_path / "sim", 3, tmp_path)
    assert first.returncode == 0, first.stderr
    assert "Run it again to go on" in first.stderr
    known = begun(tmp_path / "sim")
    assert known is not None
    assert date.fromisoformat(known.first_day) == datetime.now(UTC).date() - timedelta(days=9)
    kept = {path: path.read_bytes() for path in (tmp_path / "sim").rglob("*.avro")}
    assert kept
    second = _streamed(tmp_path / "sim", len(kept) + 3, tmp_path)
    assert second.returncode == 0, second.stderr
    assert all(path.read_bytes() == data for path, data in kept.items())
    landed = run("land", "--feed", FEEDS / "fleet.toml", tmp_path / "sim" / "inbox" / "fleet")
    assert landed.code == 0, landed.err
    assert "Landed" in landed.err


def test_dirt_that_does_not_exist_is_explained(run: Run, tmp_path: Path) -> None:
    said = run("simulate", "--out", tmp_path / "sim", "--dirt", "mud")
    assert said.code == 1
    assert "There is no such dirt" in said.err
    assert "clock_skew" in said.err
    assert not (tmp_path / "sim").exists()
