"""A platform in a temporary folder: a lake, a feed of small CSV files, and Dagster with its sensors, ticked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

from dagster import (
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    RunRequest,
    build_sensor_context,
)

from lake.settings import Settings
from lake.storage import Lake
from orchestration.building import build
from orchestration.definitions import build_definitions
from orchestration.feeds import land_feeds
from orchestration.partitions import RANGE_END, RANGE_START
from orchestration.publishing import publish
from orchestration.resources import LakeResource

PROFILE = """
name = "{name}"
format = "csv"
files = "*.csv"
kind = "telemetry"
[vehicle]
field = "bus"
[time]
field = "at"
[columns]
speed_kmh = "speed"
"""

#: First day of the feed.
MONDAY = date(2026, 3, 2)
_DRIVE = [0, 0, 20, 40, 50, 50, 40, 20, 0, 0]


@dataclass
class Platform:
    """See the module."""

    folder: Path
    instance: DagsterInstance = field(default_factory=DagsterInstance.ephemeral)
    cursors: dict[str, str | None] = field(default_factory=dict)
    run_keys: set[str] = field(default_factory=set)

    settle_s: int = 0

    def __post_init__(self) -> None:
        self.add_feed("buses")

    def add_feed(self, name: str) -> None:
        """Put one more profile into the feeds folder."""
        folder = self.folder / "feeds"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.toml").write_text(PROFILE.format(name=name))

    @property
    def resource(self) -> LakeResource:
        overrides = {"lake": "lake", "feeds": "feeds"}
        return LakeResource(
            overrides={name: str(self.folder / path) for name, path in overrides.items()}
            | {"inbox_settle_s": str(self.settle_s)}
        )

    @property
    def settings(self) -> Settings:
        return self.resource.settings()

    @property
    def lake(self) -> Lake:
        return self.resource.open()

    @cached_property
    def definitions(self) -> Definitions:
        return build_definitions({"lake": self.resource})

    def send(
        self, name: str, days: Sequence[int], buses: Sequence[str] = ("7", "12"), hour: int = 8, feed: str = "buses"
    ) -> Path:
        """Put a file into the inbox in which each bus drives for a while on each day (counted from ``MONDAY``)."""
        lines = ["bus,at,speed"]
        for day in days:
            start = datetime.combine(MONDAY + timedelta(day), time(hour), UTC)
            for bus in buses:
                lines += [
                    f"{bus},{start + timedelta(seconds=10 * n):%Y-%m-%dT%H:%M:%SZ},{kmh}"
                    for n, kmh in enumerate(_DRIVE)
                ]
        path = self.folder / "lake" / "inbox" / feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    def tick(self, sensor: str) -> list[RunRequest]:
        """What a sensor requests now; requests it made before are left out, as the daemon does."""
        definition = self.definitions.resolve_sensor_def(sensor)
        context = build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor), definitions=self.definitions,
            resources={"lake": self.resource},
        )  # fmt: skip
        with context:
            data = definition.evaluate_tick(context)
        self.cursors[sensor] = data.cursor
        new = [request for request in data.run_requests or [] if request.run_key not in self.run_keys]
        self.run_keys |= {str(request.run_key) for request in new}
        return new

    def run(self, request: RunRequest, job: str, *, fails: bool = False) -> ExecuteInProcessResult:
        """Do what a sensor requested."""
        definition = self.definitions.resolve_job_def(job)
        if request.asset_selection:
            definition = definition.get_subset(
                asset_selection=set(request.asset_selection), asset_check_selection=set(request.asset_check_keys or ())
            )
        result = definition.execute_in_process(
            run_config=request.run_config, instance=self.instance, tags=request.tags, raise_on_error=not fails
        )
        assert result.success is not fails
        return result

    def work(self) -> None:
        """Land, build and publish all that is due, without Dagster, as the command line does."""
        land_feeds(self.lake, self.settings).refuse_failures()
        build(self.lake, self.settings)
        publish(self.lake, self.settings)

    def settle(self) -> list[tuple[str, str, str]]:
        """Tick all sensors and do what they request until none requests anything; returns the builds, as requested."""
        builds = []
        for _ in range(10):
            landings, due, publications = (
                self.tick(name) for name in ("inbox_sensor", "changed_days_sensor", "unpublished_sensor")
            )
            for request in landings:
                self.run(request, "land")
            for request in due:
                self.run(request, "build")
                builds.append(shown(request))
            for request in publications:
                self.run(request, "publish")
            if not (landings or due or publications):
                return builds
        raise AssertionError("the sensors do not come to rest")


def shown(request: RunRequest) -> tuple[str, str, str]:
    """Tables, first and last day of a requested build."""
    tables = " ".join(".".join(key.path) for key in request.asset_selection or ())
    return tables, request.tags[RANGE_START], request.tags[RANGE_END]
