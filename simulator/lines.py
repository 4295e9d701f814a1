"""JSON lines instead of Capture: the same bodies, one per line, each with the time of its arrival."""

from __future__ import annotations

import gzip
from pathlib import Path

from simulator.capture import put
from simulator.encoding import BLOCK_MESSAGES, Encoder
from simulator.events import Events

ENDINGS = {"null": ".jsonl", "deflate": ".jsonl.gz"}


def write_file(path: Path, events: Events, encoder: Encoder, *, codec: str) -> int:
    """Writes one file at once, and returns its size in bytes.

    Args:
        path: the file; its folder is made.
        events: its messages in the order of arrival.
        encoder: of the fleet.
        codec: ``null``, or ``deflate`` for gzip.
    """
    blocks = range(0, len(events), BLOCK_MESSAGES)
    data = b"".join(encoder.lines(events.take(slice(begin, begin + BLOCK_MESSAGES))) for begin in blocks)
    return put(path, [gzip.compress(data, 1, mtime=0) if codec == "deflate" else data])
