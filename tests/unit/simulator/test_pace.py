"""Streaming: files appear when their windows close, and an interrupted stream goes on where it was."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from simulator import make_arguments, pace, simulate, stream
from simulator.folder import Folder
from simulator.run import finish
from simulator.work import Done
from tests.unit.simulator.conftest import capture_files, digests

FLEET = {"vehicles": 6, "first_day": date(2026, 3, 27), "seed": 7, "partitions": 2, "window_s": 3600, "dirt": "heavy"}


class _Clock:
    """Time that passes only while somebody waits; it rings once, at a set time."""

    def __init__(self, at: datetime, rings: float = float("inf")) -> None:
        self.now, self.rings = at.timestamp(), at.timestamp() + rings

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.rings:
            raise KeyboardInterrupt


def _stream(folder: Path, clock: _Clock, speedup: float, days: int) -> list[tuple[datetime, float]]:
    arguments, seen = make_arguments(**FLEET), []  # type: ignore[arg-type]
    where = Folder(folder)
    where.open(arguments)
    pace.stream(
        folder, arguments, Done(), speedup=speedup, days=days, now=clock, sleep=clock.sleep,
        progress=lambda at, _: seen.append((at, clock.now)), publish=lambda: finish(where, arguments),
    )  # fmt: skip
    return seen


def test_files_appear_when_their_window_closes(tmp_path: Path) -> None:
    seen = _stream(tmp_path, _Clock(datetime(2026, 3, 27, 10, 30, tzinfo=UTC)), 1, 1)
    early = [at for at, now in seen if at.hour in range(1, 11)]
    assert early
    for at, now in seen:
        begun = datetime(2026, 3, 27, 10, 30, tzinfo=UTC).timestamp()
        assert now == pytest.approx(max(at.timestamp(), begun), abs=1e-3)


def test_an_accelerated_stream_begins_now(tmp_path: Path) -> None:
    clock = _Clock(datetime(2031, 1, 1, tzinfo=UTC))
    seen = _stream(tmp_path, clock, 3600, 2)
    first_at, first_now = seen[0]
    for at, now in seen:
        assert now - first_now == pytest.approx((at - first_at).total_seconds() / 3600, abs=1e-3)
    assert first_now == pytest.approx(datetime(2031, 1, 1, tzinfo=UTC).timestamp() + 1, abs=1e-3)


def test_an_accelerated_stream_catches_up_and_does_not_run_ahead(tmp_path: Path) -> None:
    begun = datetime(2026, 3, 28, 6, 0, tzinfo=UTC)
    seen = _stream(tmp_path, _Clock(begun), 60, 2)
    ahead = [at.timestamp() - now for at, now in seen]
    assert max(ahead) == pytest.approx(0, abs=1e-3)
    early = [(at, now) for at, now in seen if at.timestamp() < now - 60]
    assert len(early) > 10
    for at, now in early:
        assert now - begun.timestamp() == pytest.approx((at - seen[0][0]).total_seconds() / 60 + 60, abs=1e-3)
    assert ahead[-10:] == pytest.approx([0] * 10, abs=1e-3)


def test_an_interrupted_stream_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    simulate(tmp_path / "at once", days=2, **FLEET)  # type: ignore[arg-type]
    for rings in (7.5, 11.0):
        with pytest.raises(KeyboardInterrupt):
            _stream(tmp_path / "streamed", _Clock(datetime(2031, 1, 1, tzinfo=UTC), rings), 3600, 2)
    kept = {path: path.stat().st_mtime_ns for path in capture_files(tmp_path / "streamed")}
    assert kept
    _stream(tmp_path / "streamed", _Clock(datetime(2031, 1, 1, tzinfo=UTC)), 3600, 2)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert digests(tmp_path / "streamed") == digests(tmp_path / "at once")


def test_an_interruption_is_an_end_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pace, "stream", interrupted)
    assert stream(tmp_path, make_arguments(**FLEET)).messages == 0  # type: ignore[arg-type]
