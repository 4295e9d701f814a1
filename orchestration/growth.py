"""How much of a file is new: lines that have landed do not land again because others were added behind them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import polars as pl

from lake.storage import Lake
from orchestration.batches import NewFile
from orchestration.contents import Content
from transforms.sources.growth import section_behind
from transforms.sources.reader import FeedReader
from transforms.sources.section import Section


def news(
    lake: Lake, reader: FeedReader, content: Content, batches: pl.DataFrame, leave_out: Collection[str] = ()
) -> NewFile:
    """What of a file is new. It begins where what has landed ends, if that is how the file still begins.

    Args:
        lake: the lake.
        reader: of the feed.
        content: the file.
        batches: the log of the feed; what it says has landed is final.
        leave_out: fingerprints of landings that do not count, since nothing came of them.

    Raises:
        FileNotFoundError: it is not there any more.
        FileChangedError: it is not what it was.
    """
    file, marks = content.file, content.marks
    whole = NewFile(file, content.shown, content.fingerprint)
    mine = (pl.col("status") == "landed") & (pl.col("file") == content.shown) & (pl.col("size_bytes") > 0)
    before = batches.filter(mine, ~pl.col("fingerprint").is_in(list(leave_out))).sort("size_bytes", "batch")
    if before.is_empty():
        return whole
    shorter = before.filter(pl.col("size_bytes") < file.size_bytes)
    if not set(shorter["size_bytes"]) <= marks.keys():  # another run has landed some of it since
        marks = file.fingerprints(lake, reader.profile, shorter["size_bytes"].to_list())
    same = [row for row in shorter.iter_rows(named=True) if marks.get(row["size_bytes"]) == row["fingerprint"]]
    if not same:
        return replace(whole, anew="it does not begin with what has landed of it")
    last = same[-1]
    section = Section(last["start_byte"] or 0, last["size_bytes"], last["first_record"] or 0)
    with file.local(lake) as path:
        found = section_behind(reader, path, file.path, file.modified_at, section, last["records"], file.size_bytes)
    return replace(whole, anew=found) if isinstance(found, str) else replace(whole, section=found)
