"""Operational tables: what was landed, what was refused, what was computed, how fresh it is."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.schemas.raw.rows import instant


class Batches(dy.Schema):
    """One file of a batch in one status. ``records = landed + rejected`` holds on every landed row."""

    source = dy.String(nullable=False, description="Name of the feed profile.")
    batch = dy.Int64(nullable=False, min=0, description="Number of the batch within its source.")
    status = dy.String(
        nullable=False, regex="^(planned|landed|abandoned)$", description="planned, then landed or abandoned."
    )
    at = instant("When the batch reached this status.")
    file = dy.String(nullable=False, description="Path of the file as it was given or found.")
    file_number = dy.Int64(nullable=False, min=0, description="Position of the file within the batch.")
    fingerprint = dy.String(
        nullable=False, description="BLAKE3 of the content, from its first byte, and of what the path says."
    )
    size_bytes = dy.Int64(nullable=False, min=0, description="Size of the file: what of it has landed ends there.")
    modified_at = instant("When the file was last written.")
    start_byte = dy.Int64(
        nullable=True, min=0,
        description="Byte of the file at which this landing of it begins: 0, or where a file that has landed before "
        "goes on; null in batches from before this was written down, which are of whole files.",
    )  # fmt: skip
    first_record = dy.Int64(nullable=True, min=0, description="Records of the file before that byte; null likewise.")
    records = dy.Int64(nullable=True, min=0, description="Records from there on; null while planned.")
    landed = dy.Int64(nullable=True, min=0, description="Records that became raw rows; null while planned.")
    rejected = dy.Int64(nullable=True, min=0, description="Records that went to ops.rejects; null while planned.")
    newest_event_at = instant("Newest event in the file; null while planned, or where nothing landed.", nullable=True)
    newest_received_at = instant("Newest arrival in the file; null likewise.", nullable=True)

    @dy.rule()
    def every_record_is_accounted_for(cls) -> pl.Expr:  # noqa: N805 - dataframely passes the schema
        """Landed plus rejected is all."""
        return cls.records.col == cls.landed.col + cls.rejected.col


class Rejects(dy.Schema):
    """One refused record."""

    date = dy.Date(nullable=False, description="UTC day on which the batch was planned; partition.")
    source = dy.String(nullable=False, description="Name of the feed profile.")
    batch = dy.Int64(nullable=False, min=0, description="Number of the batch within its source.")
    record = dy.Int64(nullable=False, min=0, description="Number of the record within its batch.")
    file = dy.String(nullable=False, description="File the record came from.")
    offset = dy.Int64(
        nullable=False, min=0,
        description="Where it starts: byte in the (decompressed) text, or the sequence number of a captured event.",
    )  # fmt: skip
    reason = dy.String(nullable=False, min_length=1, description="Why, with the field and what was found.")
    original = dy.Binary(nullable=False, description="Its bytes. Identifiers of vehicles are replaced by their hash.")


class Runs(dy.Schema):
    """One day of a table that was computed from one version of one input. A row without a day is a watermark:
    every change of the input up to that version has been computed."""

    table = dy.String(nullable=False, description="Table that was computed.")
    input = dy.String(nullable=False, description="Table it was computed from, or the query that did, as definition:….")
    date = dy.Date(nullable=True, description="Day that was computed; null for a watermark.")
    input_version = dy.Int64(
        nullable=False, min=0, description="Delta version of the input that was read; queries are numbered."
    )
    finished_at = instant("When the day was committed.")
    rows = dy.Int64(nullable=True, min=0, description="Rows the day now has; null for a watermark.")


class Freshness(dy.Schema):
    """One feed, as of the last publication."""

    source = dy.String(nullable=False, primary_key=True, description="Name of the feed profile.")
    checked_at = instant("When this was looked up.")
    newest_event_at = instant("Newest event that has landed.", nullable=True)
    newest_received_at = instant("Newest arrival.", nullable=True)
    landed_at = instant("When the last batch had landed.", nullable=True)
    batches = dy.Int64(nullable=False, min=0, description="Batches landed.")
    records = dy.Int64(nullable=False, min=0, description="Records read.")
    rejected = dy.Int64(nullable=False, min=0, description="Records refused.")


class StillExpected(dy.Schema):
    """One day, as of the last publication, by how late messages of earlier days came; empty while that is not known."""

    date = dy.Date(nullable=False, primary_key=True, description="UTC day of the messages' time.")
    checked_at = instant("When this was worked out.")
    expected_pct = dy.Float64(
        nullable=False, min=0, max=100, description="Share of the day's messages that is still to come, of all feeds."
    )
    provisional = dy.Bool(nullable=False, description="That is more than SILLAGE_PROVISIONAL_PCT.")


class CheckResults(dy.Schema):
    """One run of one data check."""

    date = dy.Date(nullable=False, description="UTC day of the run; partition.")
    check = dy.String(
        nullable=False,
        description="Name of the check: a file of sql/checks, or table.contract and table.rows_as_recorded.",
    )
    at = instant("When it ran.")
    failing_rows = dy.Int64(nullable=False, min=0, description="Rows that broke the rule.")
    passed = dy.Bool(nullable=False, description="No row broke the rule.")
