"""The view in the address: what goes in comes out, and nothing that comes in breaks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dashboard.view.address import COMPARE, DIMENSIONS, PRESETS, SWITCH, Catalogue, View, default_view, parse

CATALOGUE = Catalogue(
    date(2026, 1, 1),
    date(2026, 3, 14),
    {
        "market": "Market",
        "model": "Model",
        "powertrain": "Powertrain",
        "model_year": "Model year",
        "software_version": "Software version",
        "months_in_service": "Months in service",
    },
    {
        "market": ("BR", "FR", "JP"),
        "model": ("Corvid", "O'Hara & Söhne, 2", "unknown"),
        "powertrain": ("BEV", "ICE"),
        "model_year": ("2024", "2025"),
        "software_version": ("24.1", "24.3", "unknown"),
        "months_in_service": ("0-2", "3-5", "12-23"),
    },
)
CARDS = ("activity", "markets")
SIGNALS_NAMED = tuple(f"signal_{number}" for number in range(9))


@st.composite
def views(draw: st.DrawFn) -> View:
    preset = draw(st.sampled_from([*PRESETS, None]))
    last = CATALOGUE.last if preset else draw(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
    first = last - timedelta((preset or draw(st.integers(1, 900))) - 1)
    chosen = []
    for name in DIMENSIONS:
        values = CATALOGUE.values[name]
        some = draw(st.sets(st.sampled_from(values), max_size=len(values) - 1))
        if some:
            chosen.append((name, tuple(v for v in values if v in some)))
    tables = draw(st.sets(st.sampled_from(CARDS)))
    compare = draw(st.sampled_from(list(COMPARE)))
    by = draw(st.sampled_from(SWITCH))
    vehicle = draw(st.sampled_from(["", "0123456789abcdef" * 2]))
    signals = tuple(draw(st.lists(st.sampled_from(["speed_kmh", "soc_pct", "gear"]), unique=True)))
    return View(first, last, preset, compare, tuple(chosen), by, frozenset(tables), None, vehicle, signals)  # type: ignore[arg-type]


@given(views())
def test_a_view_comes_back_from_its_address(view: View) -> None:
    found, notes = parse(view.query(), CATALOGUE, CARDS)
    assert (found, notes) == (view.within(CATALOGUE.first, CATALOGUE.last), [])
    assert found.query() == view.query(), "links keep the days that were asked for"


@given(
    st.text(max_size=200)
    | st.from_regex(r"\?(days|from|to|compare|by|market|table)=.{0,20}(&.{0,30})?", fullmatch=True)
)
def test_no_address_breaks_the_page(search: str) -> None:
    view, notes = parse(search, CATALOGUE, CARDS)
    assert view.first <= view.last
    assert all(len(note) < 300 for note in notes)
    assert view.slice.days <= 1100


def test_the_default_needs_no_query() -> None:
    view = default_view(CATALOGUE)
    assert view.query() == ""
    assert parse(None, CATALOGUE) == (view, [])
    assert view.period == "15 Feb \N{EN DASH} 14 Mar 2026"
    assert view.against == "vs previous 28 d"


def test_what_cannot_be_used_is_left_out_and_said() -> None:
    view, notes = parse("?days=5&market=XX&market=FR&compare=never&colour=red", CATALOGUE)
    assert view.chosen == (("market", ("FR",)),)
    assert view.preset == 28
    assert [word for word in ("days=5", "XX", "never", "colour") if not any(word in note for note in notes)] == []


def test_a_filter_of_which_nothing_is_left_lets_nothing_through() -> None:
    for search in ("?market=XX", "?market=fr", "?market="):
        view, notes = parse(search, CATALOGUE)
        assert view.chosen == (("market", ()),)
        assert len(notes) == 1


def test_a_period_that_ends_before_it_starts_is_said() -> None:
    view, notes = parse("?from=2026-03-02&to=2026-03-01", CATALOGUE)
    assert view.preset == 28
    assert "is no period" in notes[0]


def test_days_without_any_data_are_left_out_and_kept_in_links() -> None:
    view, notes = parse("?from=2026-03-10&to=2026-04-30", CATALOGUE)
    assert (view.first, view.last, notes) == (date(2026, 3, 10), CATALOGUE.last, [])
    assert view.in_address == (date(2026, 3, 10), date(2026, 4, 30))
    assert view.against == "vs previous 5 d"
    early, _ = parse("?days=90", CATALOGUE)
    assert (early.first, early.preset, early.query()) == (CATALOGUE.first, 90, "?days=90")
    running = replace(CATALOGUE, newest=date(2026, 3, 15))
    assert parse("?from=2026-03-10&to=2026-04-30", running)[0].last == running.newest
    assert parse("", running)[0].last == CATALOGUE.last


def test_all_values_are_the_same_as_none() -> None:
    assert parse("?powertrain=BEV&powertrain=ICE", CATALOGUE)[0] == default_view(CATALOGUE)


def test_a_year_ago_has_the_same_weekdays() -> None:
    view, _ = parse("?compare=year", CATALOGUE)
    assert view.comparison is not None
    assert view.comparison.first.weekday() == view.first.weekday()
    assert view.comparison.days == view.slice.days


def test_a_vehicle_is_a_pseudonym_and_signals_are_few() -> None:
    view, notes = parse(
        "?vehicle=WVWZZZ1JZXW000001&signal=speed_kmh&signal=" + "&signal=".join(SIGNALS_NAMED), CATALOGUE
    )
    assert view.vehicle == ""
    assert len(view.signals) == 8
    assert [note for note in notes if "is no vehicle" in note]
    assert [note for note in notes if "At most 8 signals" in note]
    assert parse("?signal=drop table x", CATALOGUE)[0].signals == ()


@given(views())
def test_what_has_no_control_stays_when_one_is_used(view: View) -> None:
    own = dict(view.own)
    assert own.keys() <= {"by", "table", "vehicle", "signal"}
    assert own.get("vehicle", "") == view.vehicle
    assert [value for name, value in view.own if name == "table"] == sorted(view.tables)
    assert tuple(value for name, value in view.own if name == "signal") == view.signals
