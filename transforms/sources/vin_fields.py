"""Fields that hold a VIN, or what stands for one, by their name: masked in JSON whatever form the value has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache

#: How such a field is called, in the last words of its name.
_KIN = (
    "vin|fin|chassis|bastidor|telaio"
    "|(?:vin|fin|chassis|frame|(?:vehicle[-_. ]?)?ident(?:ification)?)[-_. ]?(?:no|nr|num|number|numero|code|id|value)"
    "|fahrgestell[-_. ]?(?:nummer|nr)|fahrzeug[-_. ]?ident(?:ifizierungs|ifikations)?[-_. ]?(?:nummer|nr)"
)
#: What comes before them ends a word: ``vehicle_vin``, ``carVin``; ``kevin`` is none.
_NAMED = re.compile(rf"(?:.*(?:[^a-zA-Z]|[a-z0-9](?=[A-Z])))?(?i:{_KIN})", re.DOTALL)
#: A name that may be one, in JSON or in JSON within a text. Its first letters are found fast.
_STEMS = "vin|fin|chassis|bastidor|telaio|frame|ident|fahrgestell"
HINT = rf'(?i)(?:{_STEMS})[a-z_. -]{{0,20}}\\*"\s*:'
_ANY = tuple(stem.encode() for stem in _STEMS.split("|"))
_FIELD = re.compile(rb'(\\*")([^"\\]+)\1\s*:\s*')
_SCALAR = rb'"(?:[^"\\]|\\.)*"?|[^\s,:"{}\[\]\\]+'
#: Its value: a text, a number, a flat list or object of these.
_VALUE = re.compile(rb"%s|\[[^\[\]{}]*\]?|\{[^\[\]{}]*\}?" % _SCALAR)
_INNER = re.compile(rb'\\+"([^"\\]+)')
#: One key, or one value, in a list or object.
_PART = re.compile(rb'"(?:[^"\\]|\\.)*"\s*:|(%s)' % _SCALAR)
_NOTHING = (b"null", b"true", b"false", b'""')


def names_a_vin(name: str) -> bool:
    """A field of this name holds a VIN."""
    return _NAMED.fullmatch(name) is not None


@lru_cache(10_000)
def _names_a_vin(name: bytes) -> bool:
    return names_a_vin(name.decode("utf-8", "replace"))


def mask_fields(text: bytes, of: Callable[[str], str]) -> bytes:
    """JSON, whole or not, with the values of such fields replaced by ``vin:`` and what ``of`` makes of them."""
    low = text.lower()
    if not any(stem in low for stem in _ANY):
        return text

    def masked(part: re.Match[bytes]) -> bytes:
        sent = part.group(1)
        return part.group() if sent is None or sent in _NOTHING else b'"vin:%s"' % of(_plain(sent)).encode()

    done, end = [], 0
    for field in _FIELD.finditer(text):
        if field.start() < end or not _names_a_vin(field[2]):
            continue
        if field[1] == b'"' and (value := _VALUE.match(text, field.end())):
            done += [text[end : value.start()], _PART.sub(masked, value.group())]
            end = value.end()
        elif inner := _INNER.match(text, field.end()):
            done += [text[end : inner.start(1)], b"vin:%s" % of(inner[1].decode("utf-8", "replace")).encode()]
            end = inner.end()
    return b"".join([*done, text[end:]])


def _plain(value: bytes) -> str:
    """What a value says, also where it is cut off."""
    try:
        return str(json.loads(value)) if value.startswith(b'"') else value.decode()
    except ValueError:
        return value.strip(b'"').decode("utf-8", "replace")
