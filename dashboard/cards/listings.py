"""The tables of ``ops`` as they are shown: which columns, headed by what, and what is said where there is no row."""

from __future__ import annotations

from dashboard.cards.listing import Field, Listing

FEEDS = Listing(
    "feeds",
    "Feeds",
    "ops.feeds",
    (
        Field("source", "Feed"),
        Field("newest_event_at", "Newest event", "instant"),
        Field("newest_received_at", "Age of the newest arrival", "age", on_a_phone=True),
        Field("landed_at", "Landed", "instant"),
        Field("lag_p50_s", "Lag, median", "span"),
        Field("lag_p95_s", "Lag, 95th percentile", "span", on_a_phone=True),
        Field("lag_p99_s", "Lag, 99th", "span"),
        Field("batches", "Batches", "count"),
        Field("records", "Records", "count"),
        Field("rejected", "Rejected", "problems", on_a_phone=True),
    ),
    "No feed has landed anything yet: see sillage land.",
    sub="lag: from event to arrival, newest days of at most seven",
    link="Dagster",
)
FRESHNESS = Listing(
    "feeds",
    "Feeds",
    "ops.feeds",
    (
        Field("source", "Feed"),
        Field("newest_event_at", "Newest event", "instant"),
        Field("newest_received_at", "Age of the newest arrival", "age", on_a_phone=True),
        Field("lag_p95_s", "Lag, 95th percentile", "span", on_a_phone=True),
    ),
    "No feed has landed anything yet: see sillage land.",
)
REJECTS = Listing(
    "rejects",
    "What was refused, and why",
    "ops.rejects_by_reason",
    (
        Field("source", "Feed"),
        Field("reason", "Reason", on_a_phone=True),
        Field("records", "Records", "count", on_a_phone=True),
        Field("last", "Newest", "day"),
        Field("batch", "Example: batch", "count"),
        Field("record", "record", "count"),
    ),
    "No record was refused.",
    sub="what stood in a record is in ops.rejects alone",
)
CHECKS = Listing(
    "checks",
    "Checks",
    "ops.checks",
    (
        Field("check", "Check", on_a_phone=True),
        Field("passed", "Result", "holds", on_a_phone=True),
        Field("failing_rows", "Rows that break it", "problems"),
        Field("at", "Looked at", "instant"),
    ),
    "No check has run: see sillage check.",
    sub="newest result of each",
    well="All {n} checks hold.",
)
DAYS = Listing(
    "days",
    "Days missing or behind",
    "ops.table_days",
    (
        Field("table", "Table"),
        Field("first", "First", "day"),
        Field("last", "Last", "day"),
        Field("days", "Days", "count", on_a_phone=True),
        Field("missing", "Missing", "problems", on_a_phone=True),
        Field("stale", "Behind", "problems", on_a_phone=True),
        Field("first_behind", "From", "day"),
    ),
    "No table has a day yet: see sillage build.",
    sub="behind: what a day is made of has changed since",
    well="No day is missing or behind in any of {n} tables.",
)
BATCHES = Listing(
    "batches",
    "Batches",
    "ops.batches_landed",
    (
        Field("source", "Feed"),
        Field("batch", "Batch", "count", on_a_phone=True),
        Field("status", "Status", on_a_phone=True),
        Field("at", "At", "instant"),
        Field("files", "Files", "count"),
        Field("size_bytes", "Size", "bytes"),
        Field("records", "Records", "count"),
        Field("rejected", "Rejected", "problems", on_a_phone=True),
    ),
    "No batch was planned yet: see sillage land.",
    sub="newest first",
)
TABLES = Listing(
    "tables",
    "Tables",
    "ops.tables",
    (
        Field("table", "Table"),
        Field("rows", "Rows", "count", on_a_phone=True),
        Field("files", "Files", "count"),
        Field("bytes", "Size", "bytes", on_a_phone=True),
        Field("version", "Version", "count"),
    ),
    "Nothing was written yet.",
    sub="largest first",
    most=8,
)
SNAPSHOTS = Listing(
    "snapshots",
    "Snapshots before this one",
    "ops.snapshots",
    (
        Field("file", "File"),
        Field("published_at", "Published", "instant", on_a_phone=True),
        Field("bytes", "Size", "bytes", on_a_phone=True),
    ),
    "This is the first that is kept.",
    sub="newest first",
)
VEHICLES = Listing(
    "vehicles",
    "Vehicles to act on now",
    "ops.vehicles_to_act_on",
    (
        Field("vehicle_id", "Vehicle", "vehicle"),
        Field("model", "Model"),
        Field("market", "Market", "market"),
        Field("reason", "Why", on_a_phone=True),
        Field("since", "Lamp since", "day"),
    ),
    "No vehicle of this slice is to be acted on now.",
    sub="worst first, newest day",
    filtered=True,
)
