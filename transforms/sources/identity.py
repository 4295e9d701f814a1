"""From identifiers in a feed to keyed hashes, and keeping identifiers out of everything else that is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from lake.distinct import coded
from transforms.sources.vin_fields import HINT, mask_fields

_LETTER, _END = b"[A-HJ-NPR-Z0-9]", b"[A-Z0-9]"
#: Letters and digits that may stand before a VIN: of an escape in JSON, of one in a URL (that may stand in another URL:
#: ``%253D``), and the name of what follows.
_BEFORE = b"|".join(
    [rb"(?<=\\[bfnrt])", *(b"(?<=%%%s[0-9A-F]{2})" % (b"25" * nested) for nested in range(4)), b"(?<=[vf]in)"]
)
#: 17 letters and digits without I, O and Q, at least one of each kind, in either case.
_VIN = re.compile(
    rb"(?=%(letter)s{17}(?!%(end)s))(?:(?<!%(end)s)|%(before)s)"
    rb"(?=%(letter)s{0,16}[A-HJ-NPR-Z])(?=%(letter)s{0,16}[0-9])%(letter)s{17}"
    % {b"letter": _LETTER, b"end": _END, b"before": _BEFORE},
    re.IGNORECASE,
)
#: Identifiers whose hash is kept: more than a fleet has, so that only junk is ever forgotten.
_KEPT = 2_000_000
_VIN_SHAPE = "(?i)[A-HJ-NPR-Z0-9]{17}"


@dataclass
class KeyedIds:
    """The keyed hash, with some of the identifiers already seen.

    Attributes:
        key: secret key of the lake.
        namespace: ``vin`` where the identifier is a VIN, so that a vehicle is the same in all feeds; otherwise the
            name of the feed, whose identifiers are its own.
    """

    key: bytes
    namespace: str
    _known: dict[str, str] = field(default_factory=dict)

    def of(self, identifier: str) -> str:
        """The first 128 bits of HMAC-SHA-256 over namespace and identifier, in hexadecimal."""
        known = self._known.get(identifier)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            text = identifier.strip().upper() if self.namespace == "vin" else identifier.strip()
            digest = hmac.new(self.key, f"{self.namespace}:{text}".encode(), hashlib.sha256)
            known = self._known[identifier] = digest.hexdigest()[:32]
        return known

    def of_series(self, identifiers: pl.Series, clean: Callable[[pl.Series], pl.Series] | None = None) -> pl.Series:
        """The same for a series of text, what ``clean`` makes of it; null stays null."""
        distinct, places = coded(identifiers)
        if clean:
            distinct = clean(distinct)
        known = self._known
        ids = [None if text is None else known.get(text) or self.of(text) for text in distinct]
        return pl.Series(ids, dtype=pl.String).gather(places).alias(identifiers.name)


def mask_vins(original: bytes, vins: KeyedIds) -> bytes:
    """Bytes in which what has the form of a VIN, or in JSON the name of one, is replaced by ``vin:`` and its hash."""
    named = mask_fields(original, vins.of)
    return _VIN.sub(lambda match: b"vin:" + vins.of(match.group().decode()).encode(), named)


def mask_vins_in_text(texts: pl.Series, vins: KeyedIds) -> pl.Series:
    """The same for a series of text, touching only rows that need it."""
    if texts.null_count() == len(texts):
        return texts
    hit = (texts.str.contains(_VIN_SHAPE) | texts.str.contains(HINT)).fill_null(False)
    if not hit.any():
        return texts
    return texts.scatter(hit.arg_true(), [mask_vins(text.encode(), vins).decode() for text in texts.filter(hit)])
