"""What the catalogue of Dagster says of a table: its key, owner and columns, and how a run left it."""

from collections.abc import Sequence
from typing import Any

from dagster import (
    AssetKey,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableMetadataValue,
    TableRecord,
    TableSchema,
)

from lake.schemas import TableSpec
from lake.snapshot import SnapshotInfo
from lake.storage import Lake
from lake.tables import Table
from metrics import load_contracts
from orchestration.landing import LandingReport

PLATFORM = "team:data-platform"


def asset_key(table: str) -> AssetKey:
    """``core.trips`` as the key of its asset, core/trips."""
    return AssetKey(table.split("."))


def landing_metadata(reports: Sequence[LandingReport]) -> dict[str, Any]:
    """What a landing did, feed by feed."""
    counts = ("files", "skipped", "records", "landed", "rejected")
    left = ("unsettled", "changed")
    rows = [
        TableRecord(
            {
                "feed": report.source,
                "batches": len(report.batches),
                **{name: getattr(report, name) for name in counts},
                **{name: len(getattr(report, name)) for name in left},
                "in no file": ", ".join(report.never_found),
            }
        )
        for report in reports
    ]
    columns = [
        TableColumn("feed", "string"),
        *(TableColumn(name, "int") for name in ("batches", *counts)),
        TableColumn("unsettled", "int", "Files that were written moments ago and wait for the next landing."),
        TableColumn("changed", "int", "Files that changed while they were read and wait for the next landing."),
        TableColumn("in no file", "string", "Columns of the profile that no file had a field for."),
    ]
    totals = {name: sum(getattr(report, name) for report in reports) for name in ("records", "landed", "rejected")}
    return totals | {
        "batches": sum(len(report.batches) for report in reports),
        "feeds": TableMetadataValue(rows, TableSchema(columns)),
    }


def table_metadata(lake: Lake, spec: TableSpec) -> dict[str, Any]:
    """Where a table is and how far it has come, from its log alone."""
    table = Table(lake, spec)
    metadata: dict[str, Any] = {"dagster/uri": table.uri, "version": table.version()}
    if spec.day_column:
        metadata["dagster/row_count"] = sum(table.rows_by_day().values())
    return metadata


def snapshot_metadata(info: SnapshotInfo) -> dict[str, Any]:
    """What was published."""
    return {
        "file": info.file,
        "published_at": MetadataValue.timestamp(info.published_at),
        "data_from": str(info.data_from),
        "data_to": str(info.data_to),
        "provisional_from": str(info.provisional_from),
        "still_expected_pct": {day.isoformat(): 100 * share for day, share in info.expected},
        "made_from": info.version,
    }


def column_schema(spec: TableSpec) -> TableSchema:
    """The columns of a table's contract, with what they mean."""
    keys = set(spec.schema.primary_key())
    return TableSchema(
        [
            TableColumn(
                name,
                str(column.dtype),
                description=column.description,
                constraints=TableColumnConstraints(
                    nullable=column.nullable, other=["primary key"] if name in keys else []
                ),
            )
            for name, column in spec.schema.columns().items()
        ]
    )


def labels(spec: TableSpec) -> dict[str, Any]:
    """What the catalogue says of a table beside its columns."""
    if spec.layer == "kpi":
        contract = load_contracts().table(spec.name)
        family = {"sillage/family": contract.family}
        return {
            "group_name": "kpi", "description": spec.description, "owners": [f"team:{contract.owner}"],
            "kinds": {"deltalake", "duckdb"}, "tags": family,
        }  # fmt: skip
    return {
        "group_name": spec.layer, "description": spec.description, "owners": [PLATFORM],
        "kinds": {"deltalake", "polars"},
    }  # fmt: skip
