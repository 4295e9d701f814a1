"""Lakes of the integration tests: opened with stated settings, and compared table by table."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from lake.catalog import table_specs
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table, open_table
from tests.conftest import Azurite

FEEDS = Path(__file__).resolve().parents[2] / "feeds"
KEY = "the key of the integration tests"
#: What depends on when a run took place, and not on what it was given.
WALL_CLOCK = {"ops.batches": ("at",), "ops.rejects": ("date",)}


def settings_for(lake: str | Path, azurite: Azurite | None = None, **more: Any) -> Settings:
    """Settings of which nothing comes from the environment."""
    if azurite is not None:
        more["azure_connection_string"] = azurite.connection_string
    with mock.patch.dict(os.environ, clear=True):
        return Settings(_env_file=None, lake=str(lake), vehicle_key=KEY, **more)  # type: ignore[call-arg]


def environment(settings: Settings) -> dict[str, str]:
    """The same settings as variables, for the command line; it lands what a test has just written."""
    plain = {name: getattr(settings, name) for name in settings.model_fields_set}
    shown = {n: v.get_secret_value() if hasattr(v, "get_secret_value") else str(v) for n, v in plain.items()}
    return {"SILLAGE_INBOX_SETTLE_S": "0"} | {f"SILLAGE_{name.upper()}": value for name, value in shown.items()}


def opened(lake: str | Path, azurite: Azurite | None = None, **more: Any) -> tuple[Lake, Settings]:
    """A lake with its settings; it is made where it is not there."""
    settings = settings_for(lake, azurite, **more)
    return Lake.open(settings), settings


def content(lake: Lake, leave_out: Collection[str] = ()) -> dict[str, pl.DataFrame]:
    """The rows of all tables of raw, core and kpi, and of batches and rejects, in an order that only they decide."""
    names = [name for name, spec in table_specs().items() if spec.layer in ("raw", "core", "kpi")]
    frames = {}
    for name in [*names, "ops.batches", "ops.rejects"]:
        rows = Table(lake, table_specs()[name]).scan().collect()
        rows = rows.drop([*WALL_CLOCK.get(name, ()), *(c for c in leave_out if c in rows.columns)])
        keys = [c for c, dtype in rows.schema.items() if dtype != pl.Float64]
        frames[name] = rows.sort(keys, nulls_last=True)
    return frames


def assert_same(found: Mapping[str, pl.DataFrame], expected: Mapping[str, pl.DataFrame]) -> None:
    """All tables have the same rows. Sums may differ in the order in which they were added up."""
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        try:
            assert_frame_equal(found[name], frame, rel_tol=1e-9, abs_tol=1e-9)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None


def rows(lake: Lake, name: str) -> pl.DataFrame:
    """All rows of a table, those of KPIs included."""
    return Table(lake, table_specs()[name]).scan().collect()


def rejects(lake: Lake) -> pl.DataFrame:
    """All rejects, in the order of their files and places."""
    return open_table(lake, "ops.rejects").scan().sort("source", "batch", "record").collect()


@contextmanager
def log_openings() -> Iterator[list[str]]:
    """The tables whose logs are opened or looked for meanwhile, by name, once for each time."""
    names: list[str] = []

    class Counted(DeltaTable):
        def __init__(self, table_uri: str, *args: Any, **more: Any) -> None:
            names.append(".".join(table_uri.split("/")[-2:]))
            super().__init__(table_uri, *args, **more)

        @staticmethod
        def is_deltatable(table_uri: str, *args: Any, **more: Any) -> bool:
            names.append(".".join(table_uri.split("/")[-2:]))
            return DeltaTable.is_deltatable(table_uri, *args, **more)

    with mock.patch("lake.tables.DeltaTable", Counted):
        yield names
