"""Every setting once: its name, its default and what it does.

Each is an environment variable ``SILLAGE_<NAME>`` or a line of a ``.env`` file in the working folder.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lake.errors import SettingsError


class Settings(BaseSettings):
    """All settings of Sillage."""

    model_config = SettingsConfigDict(env_prefix="SILLAGE_", env_file=".env", extra="ignore", frozen=True)

    lake: str = Field(
        "./lake-data", description="Where the lake is: a folder, or az://container/prefix on Azure Data Lake Storage."
    )
    vehicle_key: SecretStr | None = Field(
        None,
        description="Secret key of the hash that stands for a vehicle (HMAC-SHA-256), at least 16 characters. "
        "Needed to land in a lake that is not local, not to read it; a local lake falls back to a demo key.",
    )
    azure_connection_string: SecretStr | None = Field(
        None, description="Connection string of the storage account, for development and Azurite."
    )
    azure_account: str | None = Field(
        None,
        description="Name of the storage account when the identity of the machine signs in "
        "(workload identity, managed identity or the Azure CLI, in that order).",
    )
    buckets: int = Field(
        1, ge=1, le=4096, description="Buckets of vehicles in telemetry-sized tables. Fixed when the lake is made."
    )
    feeds: Path = Field(Path("feeds"), description="Folder of the feed profiles that scheduled landing reads.")
    earliest_day: date = Field(
        date(2000, 1, 1), description="Events before this day are rejected, unless a feed states its own."
    )
    batch_bytes: int = Field(
        4 << 30, ge=1, description="Files are put into batches of about this many bytes; a larger file is one batch."
    )
    part_rows: int = Field(
        500_000, ge=1_000, description="Rows of one written Parquet file at most; bounds the memory of landing."
    )
    build_rows: int = Field(
        8_000_000, ge=1_000, description="Raw rows that the build reads at once at most; bounds its memory."
    )
    build_tables: int = Field(
        2, ge=1, le=64, description="Tables that are built at once; they share what the build may read at once."
    )
    inbox_settle_s: int = Field(
        10, ge=0, description="Landing leaves files alone that were written less than this many seconds ago."
    )
    provisional_days: int = Field(
        2,
        ge=0,
        description="The newest days, up to this many, are marked provisional while it is not known yet how late "
        "messages come, and maintenance leaves their files alone.",
    )
    provisional_pct: float = Field(
        1.0,
        ge=0,
        lt=100,
        description="A day is marked provisional while more than this percentage of its messages is still expected, "
        "by how late those of earlier days came.",
    )
    protect: Literal["none", "cells"] = Field(
        "none",
        description="cells: what is published tells counts and amounts with a little noise, so that many answers taken "
        "together tell far less of single vehicles. For a dashboard that others than its operator may open.",
    )
    keep_snapshots: int = Field(7, ge=1, description="How many published snapshots are kept.")
    retention_days: int = Field(
        7, ge=7, description="Maintenance keeps files that a table had within so many days: how long time travel lasts."
    )
    cache: Path = Field(
        Path(".sillage-cache"), description="Folder for copies of what is published when the lake is not local."
    )
    dagster_url: str | None = Field(
        None, description="Address of Dagster's pages, http:// or https://, for the link on the page Operations."
    )
    host: str = Field("127.0.0.1", description="Address the dashboard listens on. Loopback only: there is no sign-in.")
    port: int = Field(8050, ge=1, le=65535, description="Port of the dashboard.")
    client_timeout_s: int = Field(
        30,
        ge=1,
        description="The dashboard closes a connection whose client takes longer than this many seconds to send a "
        "request, to take the next part of an answer, or to ask again.",
    )
    connections_per_client: int = Field(
        256,
        ge=1,
        description="Connections that one client of the dashboard may have at once. "
        "Behind a reverse proxy the proxy is the one client.",
    )
    query_memory: str = Field(
        "2GB",
        description="Memory that one SQL session may use. A query of `sillage sql` that holds a quarter more is ended.",
    )
    query_timeout_s: int = Field(300, ge=1, description="A query of `sillage sql` is stopped after this many seconds.")

    @field_validator("vehicle_key")
    @classmethod
    def _key_is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("must be at least 16 characters")
        return value

    @field_validator("dagster_url")
    @classmethod
    def _dagster_is_a_web_address(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be an address that begins with http:// or https://")
        return value

    @field_validator("lake")
    @classmethod
    def _lake_is_a_folder_or_azure(cls, value: str) -> str:
        if "://" in value and not value.startswith(("az://", "file://")):
            raise ValueError("must be a folder or az://container/prefix")
        return value.rstrip("/") or "/"


def get_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; keyword arguments win over it.

    Raises:
        SettingsError: a value is not allowed; names the variable, what was found and what is allowed.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        secret = SecretStr in get_args(Settings.model_fields[name].annotation)
        raise SettingsError(
            f"The setting SILLAGE_{name.upper()} is not usable",
            found="(not shown)" if secret else repr(first.get("input")),
            expected=f"{first['msg'].removeprefix('Value error, ')}. {Settings.model_fields[name].description}",
            action=f"set SILLAGE_{name.upper()} to an allowed value, or unset it for its default",
        ) from None


def environment_names() -> list[str]:
    """The environment variable of every setting."""
    return [f"SILLAGE_{name.upper()}" for name in Settings.model_fields]


def unknown_names() -> list[str]:
    """Variables of the environment that look like settings and are none."""
    known = set(environment_names())
    return sorted(name for name in os.environ if name.startswith("SILLAGE_") and name not in known)
