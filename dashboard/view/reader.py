"""Who reads: in which language, where, and in which units. Every sentence and every number is written for one.

A reader is part of the view. What an address does not say of it (``lang=fr``, ``units=mi``), the browser does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, urlencode

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol, get_group_symbol
from dash import ctx

from dashboard.view.texts import Text
from dashboard.view.texts_fr import FRENCH, UNITS, VALUES

Language = Literal["en", "fr"]
Units = Literal["km", "mi"]
LANGUAGES: Mapping[Language, str] = {"en": "English", "fr": "Français"}
UNIT_SYSTEMS: tuple[Units, ...] = get_args(Units)
#: Where roads are signed in miles.
_MILES = frozenset({"US", "GB"})
#: A space before a sign that is higher than a comma, or inside quotation marks.
_TALL = re.compile(r" (?=[:;?!%»])|(?<=[«=]) ")
#: English without a region: days before months, as most of the world has them.
_PLAIN = {"en": "en_001", "fr": "fr"}


@dataclass(frozen=True)
class Reader:
    """One kind of reader.

    Attributes:
        language: of sentences, and of names and definitions of metrics.
        region: ISO 3166-1 alpha-2, as the browser has it; empty where it has none.
        units: of distances.
        chosen: what of it the address says, as name and value.
    """

    language: Language = "en"
    region: str = ""
    units: Units = "km"
    chosen: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, search: str | None, accepted: str | None = None) -> Reader:
        """The reader that asks.

        Args:
            search: query of the address; what of it is no language and no units is left aside.
            accepted: languages as the browser prefers them, the header ``Accept-Language``.
        """
        language, region = _preferred(accepted or "")
        try:
            query = parse_qs((search or "").lstrip("?"), max_num_fields=300)
        except ValueError:
            query = {}
        chosen = []
        for told in LANGUAGES:
            if query.get("lang", [""])[-1] == told:
                language = told
                chosen.append(("lang", str(told)))
        units: Units = "mi" if region in _MILES else "km"
        for system in UNIT_SYSTEMS:
            if query.get("units", [""])[-1] == system:
                units = system
                chosen.append(("units", str(system)))
        return cls(language, region, units, tuple(chosen))

    @property
    def tag(self) -> str:
        """Language and region as HTML and HTTP write them: ``fr``, ``en-US``."""
        return f"{self.language}-{self.region}" if self.region else self.language

    @property
    def query(self) -> str:
        """What the address says of the reader, as a query; empty if nothing."""
        return f"?{urlencode(self.chosen)}" if self.chosen else ""

    @cached_property
    def locale(self) -> Locale:
        """What Babel knows of the language, and of the region where it knows both together."""
        return _locale(self.language, self.region)

    @cached_property
    def marks(self) -> tuple[str, str]:
        """What stands before decimals and between thousands."""
        return get_decimal_symbol(self.locale), get_group_symbol(self.locale)

    @cached_property
    def before_percent(self) -> str:
        """What stands between a number and a percent sign."""
        return str(self.locale.percent_formats[None].suffix[0]).strip("%")

    @cached_property
    def month_first(self) -> bool:
        """A date begins with its month."""
        return str(self.locale.date_formats["medium"].pattern).startswith("M")

    def say(self, text: Text, n: float | None = None, /, **places: str | float) -> str:
        """A sentence in the reader's language.

        Args:
            text: which.
            n: the number that decides between singular and plural, and stands at ``{n}``.
            places: what stands at the named places; whole numbers are written as the reader writes them.
        """
        forms = _forms(self.language, text)
        form = forms[0] if n is None or self.locale.plural_form(n) == "one" else forms[-1]
        given = {name: self._placed(value) for name, value in places.items()}
        return form.format(**given) if n is None else form.format(n=self._placed(n), **given)

    def _placed(self, value: str | float) -> str:
        return value if isinstance(value, str) else self.number(value)

    def number(self, value: float, places: int = 0) -> str:
        """A number with so many decimals."""
        text = f"{value:,.{places}f}"
        decimal, group = self.marks
        if (decimal, group) == (".", ","):
            return text
        return text.replace(",", "\0").replace(".", decimal).replace("\0", group)

    def unit(self, unit: str) -> str:
        """A unit of the contracts as the reader's language writes it."""
        return UNITS.get(unit, unit) if self.language == "fr" else unit

    def value(self, dimension: str, code: str) -> str | None:
        """What a value of a dimension is called in a language other than English; ``None`` if nothing is known."""
        return VALUES.get(dimension, {}).get(code) if self.language == "fr" else None


def asking(search: str | None) -> Reader:
    """The reader that a callback is worked out for."""
    headers: Mapping[str, Any] = {str(name).lower(): value for name, value in (ctx.headers or {}).items()}
    return Reader.of(search, headers.get("accept-language"))


@lru_cache(maxsize=256)
def _preferred(accepted: str) -> tuple[Language, str]:
    """The first language of the header that there is, and the region that it names first."""
    weighed = []
    for place, entry in enumerate(accepted[:200].split(",")):
        tag, _, weight = entry.partition(";q=")
        try:
            weighed.append((-float(weight or 1), place, tag.strip()))
        except ValueError:
            continue
    tags = [tag.replace("_", "-").split("-") for _, _, tag in sorted(weighed)]
    language: Language = next((known for first, *_ in tags for known in LANGUAGES if first.lower() == known), "en")
    regions = (part for tag in tags for part in tag[1:] if len(part) == 2 and part.isalpha())
    return language, next(regions, "").upper()


@lru_cache(maxsize=64)
def _locale(language: Language, region: str) -> Locale:
    try:
        return Locale.parse(f"{language}_{region}" if region else _PLAIN[language])
    except (UnknownLocaleError, ValueError):
        return Locale.parse(_PLAIN[language])


@lru_cache(maxsize=2048)
def _forms(language: Language, text: Text) -> tuple[str, ...]:
    """Singular and plural of a sentence; one where there is nothing to count."""
    return tuple(map(french, FRENCH[text])) if language == "fr" else text.forms


def french(text: str) -> str:
    """A French text whose lines do not break before its tall signs and inside its quotation marks."""
    return _TALL.sub("\N{NO-BREAK SPACE}", text)


#: Reads English, at no place in particular.
ENGLISH = Reader()
