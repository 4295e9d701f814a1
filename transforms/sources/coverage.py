"""Columns that a profile names and that no file has: a misspelt field, or one that was renamed, is otherwise silent."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from transforms.sources.profile import FeedProfile, Kind


class Coverage:
    """Watches which columns rows are found for. What a catalogue implies (``vss``) is not expected of a file."""

    def __init__(self, profile: FeedProfile) -> None:
        self._profile = profile
        self._unseen: dict[Kind, set[str]] = {}

    def take(self, rows: Mapping[Kind, pl.DataFrame]) -> None:
        """Rows that a block became."""
        for kind, frame in rows.items():
            unseen = self._unseen.setdefault(kind, set(self._profile.by_kind[kind].columns))
            there = unseen.intersection(frame.columns)
            if self._profile.format != "csv":  # where a header is, a column may be there and be empty
                there = {name for name in there if frame[name].null_count() < frame.height}
            unseen -= there

    def never_found(self) -> list[str]:
        """The columns that no file had a field for, with their fields, of kinds of which there were rows."""
        found = []
        for kind, unseen in self._unseen.items():
            for column, sources in self._profile.by_kind[kind].columns.items():
                if column in unseen:
                    fields = dict.fromkeys(name for source in sources for name in source.field)
                    of_kind = f"{kind}." if self._profile.kinds else ""
                    found.append(f"{of_kind}{column} (from {' or '.join(fields)})")
        return found
