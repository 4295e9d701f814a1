"""What the page's scripts say, and how calendars name days and months: in the document, for who asked for it."""

from __future__ import annotations

from typing import Any

from dashboard.view.reader import Reader
from dashboard.view.texts import Text

_SAID = {
    "updated": Text.FIGURES_UPDATED,
    "notFound": Text.PAGE_NOT_FOUND,
    "copied": Text.LINK_COPIED,
    "copyThis": Text.COPY_THIS_LINK,
    "auto": Text.AUTO,
    "light": Text.LIGHT,
    "dark": Text.DARK,
}
#: Sentences with a place that a script fills.
_FILLED = {
    "title": (Text.PAGE_TITLE, "page"),
    "theme": (Text.THEME_IS, "choice"),
    "change": (Text.CHANGE_THEME, "choice"),
    "printed": (Text.PRINTED, "instant"),
}


def script_words(reader: Reader) -> dict[str, Any]:
    """Sentences by their key in the script; ``{}`` is a place.

    ``calendar`` is a locale as Day.js takes it, which draws the calendars; ``one`` and ``other`` are forms of a plural.
    """
    locale = reader.locale
    months, short = locale.months["format"]["wide"], locale.months["format"]["abbreviated"]
    days, letters = locale.days["stand-alone"]["wide"], locale.days["stand-alone"]["abbreviated"]
    sunday_first = (6, 0, 1, 2, 3, 4, 5)
    return {
        **{key: reader.say(text) for key, text in _SAID.items()},
        **{key: reader.say(text, None, **{place: "{}"}) for key, (text, place) in _FILLED.items()},
        "metrics": {"one": reader.say(Text.METRICS, 1), "other": reader.say(Text.METRICS, 2)},
        "calendar": {
            "name": reader.language,
            "months": [months[month] for month in range(1, 13)],
            "monthsShort": [short[month] for month in range(1, 13)],
            "weekdays": [days[day] for day in sunday_first],
            "weekdaysShort": [letters[day] for day in sunday_first],
            "weekdaysMin": [letters[day][:2] for day in sunday_first],
            "weekStart": 0 if reader.month_first else 1,
            "formats": {},
        },
    }
