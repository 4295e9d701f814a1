"""The JSON texts of a file in its order: lines, bodies of captured events. What they say is not looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from transforms.sources import capture
from transforms.sources.blocks import Block, line_stretches, records, texts
from transforms.sources.canonical import OFFSET, ORIGINAL, REASON
from transforms.sources.json_doubts import colons_after_quotes
from transforms.sources.section import WHOLE, Section
from transforms.sources.times import arrivals

#: A shorter line may be nothing but blanks and its end.
_BLANK = 16


@dataclass(frozen=True)
class Bodies:
    """Some texts.

    Attributes:
        frame: ``@offset``, ``@original``, ``@text`` (null where it is not UTF-8), ``@reason`` (why it can be no text
            at all, or null) and, of events, ``@arrived`` (text), ``@arrived_at`` (the instant) and the fields of
            the envelope that were asked for.
        keys: how many keys they have, if they are written plainly; ``None`` where nobody has counted.
    """

    frame: pl.DataFrame
    keys: int | None = None


def bodies(
    path: Path, style: Literal["jsonl", "capture"], envelope: Sequence[str] = (), section: Section = WHOLE
) -> Iterator[Callable[[], Bodies]]:
    """The texts of a file, some thousands at a time, each batch read when it is called for where the file allows it.

    Args:
        path: file.
        style: how it is written.
        envelope: of events, the fields beside the body that are wanted.
        section: of lines, those that are wanted.
    """
    if style == "jsonl":
        for stretch in line_stretches(path, section):
            yield partial(_lines, stretch)
        return
    done = 0
    for frame, damage in capture.events(path, envelope):
        yield partial(_events, frame, done, damage)
        done += frame.height


def _lines(stretch: Callable[[], Block]) -> Bodies:
    block = stretch()
    if block.damage:
        lost = {OFFSET: [block.offset], ORIGINAL: [block.data], "@text": [None], REASON: [block.damage]}
        return Bodies(pl.DataFrame(lost, schema_overrides={"@text": pl.String}))
    starts, array = records(block)
    original = pl.Series(ORIGINAL, pl.from_arrow(array), dtype=pl.Binary)
    frame = pl.DataFrame({OFFSET: starts + block.offset, ORIGINAL: original, "@text": texts(original)})
    blank = frame["@text"].str.len_bytes() <= _BLANK
    if blank.any():
        frame = frame.filter((frame["@text"].str.strip_chars() != "").fill_null(True))
    return Bodies(frame.with_columns(pl.lit(None, pl.String).alias(REASON)), colons_after_quotes(block.data))


def _events(frame: pl.DataFrame, done: int, damage: str | None) -> Bodies:
    number = pl.int_range(pl.len(), dtype=pl.Int64) + done
    reason = pl.when(pl.col("Body").is_null()).then(pl.lit("the event has no body"))
    together = frame["Body"].to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[-1]
    return Bodies(
        frame.select(
            pl.col("SequenceNumber").fill_null(number).alias(OFFSET),
            pl.col("Body").fill_null(b"").alias(ORIGINAL),
            texts(frame["Body"]).alias("@text"),
            (reason if damage is None else pl.lit(damage)).alias(REASON),
            pl.col("EnqueuedTimeUtc").alias("@arrived"),
            arrivals(frame["EnqueuedTimeUtc"]).alias("@arrived_at"),
            *(name for name in frame.columns if name.startswith("@")),
        ),
        colons_after_quotes(together or b""),
    )
