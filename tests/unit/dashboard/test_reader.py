"""Every page speaks the reader's language, with the reader's numbers, dates and units."""

from __future__ import annotations

import string
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.changes import Changes
from dashboard.cards.panels import Panels
from dashboard.cards.tile_map import TileMap
from dashboard.cards.tiles import Tiles
from dashboard.draw.charts import Axis, Line, config, daily_lines, localised
from dashboard.draw.palette import LIGHT
from dashboard.page import Page, Row
from dashboard.pages import PAGES
from dashboard.shell.frame import shell
from dashboard.shell.scripts import script_words
from dashboard.view import wording
from dashboard.view.names import value_name
from dashboard.view.published import Published
from dashboard.view.reader import ENGLISH, Reader
from dashboard.view.texts import Text
from dashboard.view.texts_fr import FRENCH, UNITS
from dashboard.web.routes import _export
from dashboard.web.status import Status
from lake.one_vehicle import READABLE
from metrics import Contracts, MetricValue, load_contracts
from metrics.languages import in_language
from metrics.miles import UNITS as BY_MILE
from tests.unit.dashboard.test_pages import published

__all__ = ["published"]

FR = Reader("fr")
US = Reader.of(None, "en-US,en;q=0.9")
CONTRACTS = load_contracts()
DISTANCE, IDLE = CONTRACTS.metric("distance"), CONTRACTS.metric("idle_ratio")
#: Units that are symbols.
SYMBOLS = {
    "%",
    "s",
    "km",
    "kW",
    "h",
    "kWh",
    "min",
    "km/h",
    "kWh/100 km",
    "l/100 km",
    "mi",
    "mph",
    "kWh/100 mi",
    "l/100 mi",
}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_french_is_complete() -> None:
    assert set(FRENCH) == set(Text)


@pytest.mark.parametrize("text", Text, ids=lambda text: text.name)
def test_a_sentence_has_the_same_places_in_french(text: Text) -> None:
    named = set().union(*map(places, text.forms))
    assert set().union(*map(places, FRENCH[text])) == named
    assert len(FRENCH[text]) >= len(text.forms)
    assert len(FRENCH[text]) == 1 or "n" in named, "what is not counted has no plural"


def test_every_unit_is_a_symbol_or_has_its_french() -> None:
    units = {metric.unit for metric in CONTRACTS.metrics} | {unit for unit, _ in BY_MILE.values()}
    assert units - SYMBOLS - set(UNITS) == set()


def test_every_signal_has_its_french() -> None:
    assert all(FR.value("signal", column) for column in READABLE)


@pytest.mark.parametrize(
    ("search", "accepted", "tag", "units"),
    [
        (None, None, "en", "km"),
        ("", "fr-CA,fr;q=0.8,en;q=0.5", "fr-CA", "km"),
        ("", "en-US,en;q=0.9", "en-US", "mi"),
        ("", "de;q=0.3,en-GB;q=0.8", "en-GB", "mi"),
        ("", "de-DE,de", "en-DE", "km"),
        ("?lang=fr", "en-US", "fr-US", "mi"),
        ("?lang=fr&units=km", "en-US", "fr-US", "km"),
        ("?lang=xx&units=ell", "fr", "fr", "km"),
        ("", "*;q=x, ,-,fr_FR", "fr-FR", "km"),
    ],
)
def test_the_address_comes_before_the_browser(search: str, accepted: str, tag: str, units: str) -> None:
    reader = Reader.of(search, accepted)
    assert (reader.tag, reader.units) == (tag, units)


def test_numbers_are_written_as_the_locale_has_them() -> None:
    assert FR.number(1234.5, 1) == "1\N{NARROW NO-BREAK SPACE}234,5"
    assert ENGLISH.number(1234.5, 1) == "1,234.5"
    assert wording.amount(FR, IDLE, 11.4321) == "11,4\N{NO-BREAK SPACE}%"
    assert wording.amount(FR, DISTANCE, 2_534_000.0) == "2,53\N{NO-BREAK SPACE}M\N{NO-BREAK SPACE}km"


def test_days_are_written_as_the_locale_has_them() -> None:
    first, last = date(2026, 2, 15), date(2026, 3, 14)
    assert wording.day(FR, last) == "14 mars 2026"
    assert wording.days(FR, first, last) == "15 févr. \N{EN DASH} 14 mars 2026"
    assert wording.day(US, last) == "Mar 14, 2026"
    assert wording.ago(FR, timedelta(days=1)) == "il y a 1 jour"
    assert wording.ago(FR, timedelta(days=3)) == "il y a 3 jours"


def test_markets_and_values_have_their_names() -> None:
    assert value_name(FR, "market", "DE") == "Allemagne"
    assert value_name(FR, "service", "predictive_maintenance") == "Maintenance prédictive"
    assert value_name(FR, "market", "unknown") == "Inconnu"
    assert value_name(ENGLISH, "market", "HK") == "Hong Kong"


def test_a_tall_sign_does_not_begin_a_line() -> None:
    assert FR.say(Text.WITHIN, 14) == "en 14 j"
    assert "\N{NO-BREAK SPACE}:" in FR.say(Text.THEME_IS, choice="Auto")


def test_charts_have_the_reader_s_marks_and_names() -> None:
    figure = daily_lines([date(2026, 3, 14)], [Line("a", [1.0], "#000")], Axis("%"), LIGHT)
    french = localised(figure, FR)
    assert french["layout"]["separators"] == ",\N{NARROW NO-BREAK SPACE}"
    assert french["data"][0]["hovertemplate"].endswith("}\N{NO-BREAK SPACE}%")
    assert french["layout"]["yaxis"]["ticksuffix"] == "\N{NO-BREAK SPACE}%"
    assert config(FR)["locales"]["fr"]["format"]["months"][2] == "mars"
    assert localised(figure, US)["layout"]["xaxis"]["tickformat"] == "%b %-d"


def words_of(thing: Any) -> Iterator[str]:
    """What of an answer is read: children, and what is said for those who do not see."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, list | tuple):
        for part in thing:
            yield from words_of(part)
    elif isinstance(thing, dict) and {"data", "layout"} <= thing.keys():
        yield from words_of([[trace.get(name) for name in ("name", "text", "x", "y")] for trace in thing["data"]])
        yield from words_of([note["text"] for note in thing["layout"].get("annotations", ())])
        yield from words_of([thing["layout"][name].get("title") for name in thing["layout"] if "axis" in name])
    elif isinstance(thing, dict):
        for part in thing.values():
            yield from words_of(part)
    elif hasattr(thing, "_prop_names"):
        for name in ("children", "label", "title", "placeholder", "aria-label", "data", "figure"):
            yield from words_of(getattr(thing, name, None))


TOLD = Page(
    "usage",
    Text.USAGE,
    (
        Tiles("distance", "trips"),
        Row(
            ByDay("distance"),
            ByDay("trip_length"),
            ByGroup("distance", "trip_length", by="market"),
            Panels("trips", "trips"),
        ),
        Row(ByClass("trips", "model_year"), DaysOf("days", Text.TRIPS, ("trips",), Text.BY_DAY), TileMap("distance")),
        Changes("distance", "trips", "mean_speed"),
    ),
)


def english_words(contracts: Contracts) -> set[str]:
    """What would be English on a French page: whole texts and labels that French has otherwise."""
    french = in_language(contracts, "fr")
    pairs = [(text.forms[0], FRENCH[text][0]) for text in Text if not places(text.forms[0])]
    for one, other in zip(contracts.metrics, french.metrics, strict=True):
        pairs += [(one.label, other.label), (one.short, other.short), (one.definition, other.definition)]
        pairs += [(one.population.label, other.population.label)]
    pairs += [(one.label, other.label) for one, other in zip(contracts.dimensions, french.dimensions, strict=True)]
    spoken = {other for _, other in pairs}
    return {one for one, other in pairs if one != other and len(one) > 2} - spoken  # GB is a market, too


@pytest.mark.parametrize("page", [*PAGES, TOLD], ids=lambda page: page.name)
def test_a_french_page_says_nothing_in_english(published: Published, page: Any) -> None:
    answer = page.answer(published, "", None, FR)
    told = {
        *words_of(page.layout(published.told(FR), FR)),
        *words_of({slot: answer[slot] for slot in ("notes", "state", "late", "foot")}),
        *words_of(
            [{slot: value for slot, value in card.items() if slot != "box"} for card in answer["cards"].values()]
        ),
    }
    assert told & english_words(CONTRACTS) == set()
    assert any("é" in word for word in told)


def test_the_frame_says_nothing_in_english() -> None:
    frame = shell(PAGES, "x", Status("fresh", ""), FR)
    told = {*words_of(frame), *words_of(script_words(FR))}
    assert told & english_words(CONTRACTS) == set()


def test_figures_are_remembered_for_readers_of_all_languages(published: Published) -> None:
    english = TOLD.answer(published, "?market=JP", None, ENGLISH)["cards"]["tiles"]["tiles"]
    known = set(published._memory._entries)
    french = TOLD.answer(published, "?market=JP", None, FR)["cards"]["tiles"]["tiles"]
    assert set(published._memory._entries) == known, "no figure is worked out anew"
    assert str(english) != str(french)
    assert str(TOLD.answer(published, "?market=JP", None, ENGLISH)["cards"]["tiles"]["tiles"]) == str(english)


def test_an_address_keeps_the_reader(published: Published) -> None:
    search = "?days=7&lang=fr&units=mi"
    answer = TOLD.answer(published, search, None, Reader.of(search))
    assert answer["notes"] is None
    assert "lang=fr&units=mi" in answer["cards"]["distance"]["table"]


def value_in(answer: dict[str, Any], metric: str) -> float:
    head = answer["cards"][metric]["head"]
    return float(getattr(head, "data-value"))


def test_miles_are_kilometres_by_a_factor(published: Published) -> None:
    km = value_in(TOLD.answer(published, "", None, ENGLISH), "distance")
    answer = TOLD.answer(published, "?units=mi", None, Reader.of("?units=mi"))
    assert value_in(answer, "distance") == pytest.approx(km / 1.609344)
    assert "mi per day" in answer["cards"]["distance"]["sub"]
    assert "km" not in str(answer["cards"]["trip_length"])


def test_an_export_is_by_the_kilometre_and_says_so(published: Published) -> None:
    plain = bytes(_export(TOLD, "distance", "", published).body).decode()
    miles = bytes(_export(TOLD, "distance", "units=mi", published).body).decode()
    assert [line for line in miles.splitlines() if line not in plain.splitlines()] == [
        "# Units: values are by the kilometre as in SQL, whatever the page shows; 1 mi = 1.609344 km"
    ]


def test_an_export_has_the_same_columns_in_every_language(published: Published) -> None:
    def head(query: str) -> str:
        text = bytes(_export(TOLD, "distance", query, published).body).decode()
        return next(line for line in text.splitlines() if not line.startswith("#"))

    assert head("lang=fr") == head("")
    french = bytes(_export(TOLD, "distance", "lang=fr", published).body).decode()
    assert "# Définition : Distance (km)" in french.replace("\N{NO-BREAK SPACE}", " ")


def test_a_change_has_the_reader_s_marks() -> None:
    moved = MetricValue("m", value=12.0, days=28, previous=MetricValue("m", value=11.0, days=28))
    change = wording.change(FR, IDLE, moved)
    assert change is not None
    assert change.text == "+1,0\N{NO-BREAK SPACE}pt"
