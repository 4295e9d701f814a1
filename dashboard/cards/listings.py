"""The tables of ``ops`` as they are shown: which columns, headed by what, and what is said where there is no row."""

from __future__ import annotations

from dashboard.cards.listing import Field, Listing
from dashboard.view.texts import Text

FEEDS = Listing(
    "feeds",
    Text.FEEDS,
    "ops.feeds",
    (
        Field("source", Text.FEED),
        Field("newest_event_at", Text.NEWEST_EVENT, "instant"),
        Field("newest_received_at", Text.AGE_OF_ARRIVAL, "age", on_a_phone=True),
        Field("landed_at", Text.LANDED, "instant"),
        Field("lag_p50_s", Text.LAG_MEDIAN, "span"),
        Field("lag_p95_s", Text.LAG_95, "span", on_a_phone=True),
        Field("lag_p99_s", Text.LAG_99, "span"),
        Field("batches", Text.BATCHES, "count"),
        Field("records", Text.RECORDS, "count"),
        Field("rejected", Text.REJECTED, "problems", on_a_phone=True),
    ),
    Text.NO_FEED,
    sub=Text.WHAT_LAG_IS,
    link="Dagster",
)
FRESHNESS = Listing(
    "feeds",
    Text.FEEDS,
    "ops.feeds",
    (
        Field("source", Text.FEED),
        Field("newest_event_at", Text.NEWEST_EVENT, "instant"),
        Field("newest_received_at", Text.AGE_OF_ARRIVAL, "age", on_a_phone=True),
        Field("lag_p95_s", Text.LAG_95, "span", on_a_phone=True),
    ),
    Text.NO_FEED,
)
REJECTS = Listing(
    "rejects",
    Text.REFUSED,
    "ops.rejects_by_reason",
    (
        Field("source", Text.FEED),
        Field("reason", Text.REASON, on_a_phone=True),
        Field("records", Text.RECORDS, "count", on_a_phone=True),
        Field("last", Text.NEWEST, "day"),
        Field("batch", Text.EXAMPLE_BATCH, "count"),
        Field("record", Text.EXAMPLE_RECORD, "count"),
    ),
    Text.NO_RECORD_REFUSED,
    sub=Text.REFUSED_SUB,
)
CHECKS = Listing(
    "checks",
    Text.CHECKS,
    "ops.checks",
    (
        Field("check", Text.CHECK, on_a_phone=True),
        Field("passed", Text.RESULT, "holds", on_a_phone=True),
        Field("failing_rows", Text.ROWS_THAT_BREAK, "problems"),
        Field("at", Text.LOOKED_AT, "instant"),
    ),
    Text.NO_CHECK,
    sub=Text.NEWEST_OF_EACH,
    well=Text.ALL_CHECKS_HOLD,
)
DAYS = Listing(
    "days",
    Text.DAYS_MISSING,
    "ops.table_days",
    (
        Field("table", Text.TABLE_COLUMN),
        Field("first", Text.FIRST, "day"),
        Field("last", Text.LAST, "day"),
        Field("days", Text.DAYS_TERM, "count", on_a_phone=True),
        Field("missing", Text.MISSING, "problems", on_a_phone=True),
        Field("stale", Text.BEHIND, "problems", on_a_phone=True),
        Field("first_behind", Text.FROM, "day"),
    ),
    Text.NO_TABLE_DAY,
    sub=Text.WHAT_BEHIND_IS,
    well=Text.NO_DAY_MISSING,
)
BATCHES = Listing(
    "batches",
    Text.BATCHES,
    "ops.batches_landed",
    (
        Field("source", Text.FEED),
        Field("batch", Text.BATCH, "count", on_a_phone=True),
        Field("status", Text.STATUS, on_a_phone=True),
        Field("at", Text.AT, "instant"),
        Field("files", Text.FILES, "count"),
        Field("size_bytes", Text.SIZE, "bytes"),
        Field("records", Text.RECORDS, "count"),
        Field("rejected", Text.REJECTED, "problems", on_a_phone=True),
    ),
    Text.NO_BATCH,
    sub=Text.NEWEST_FIRST,
)
TABLES = Listing(
    "tables",
    Text.TABLES,
    "ops.tables",
    (
        Field("table", Text.TABLE_COLUMN),
        Field("rows", Text.ROWS, "count", on_a_phone=True),
        Field("files", Text.FILES, "count"),
        Field("bytes", Text.SIZE, "bytes", on_a_phone=True),
        Field("version", Text.VERSION, "count"),
    ),
    Text.NOTHING_WRITTEN,
    sub=Text.LARGEST_FIRST,
    most=8,
)
SNAPSHOTS = Listing(
    "snapshots",
    Text.SNAPSHOTS,
    "ops.snapshots",
    (
        Field("file", Text.FILE),
        Field("published_at", Text.PUBLISHED, "instant", on_a_phone=True),
        Field("bytes", Text.SIZE, "bytes", on_a_phone=True),
    ),
    Text.FIRST_SNAPSHOT,
    sub=Text.NEWEST_FIRST,
)
VEHICLES = Listing(
    "vehicles",
    Text.VEHICLES_TO_ACT_ON,
    "ops.vehicles_to_act_on",
    (
        Field("vehicle_id", Text.VEHICLE, "vehicle"),
        Field("model", Text.MODEL),
        Field("market", Text.MARKET, "market"),
        Field("reason", Text.WHY, on_a_phone=True),
        Field("since", Text.LAMP_SINCE, "day"),
    ),
    Text.NO_VEHICLE_TO_ACT_ON,
    sub=Text.WORST_FIRST,
    filtered=True,
)
