"""Contracts in French say all that they say in English, and the same figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lake.errors import ContractError
from metrics import load_contracts
from metrics.languages import in_language, load_translation, phrases_of
from metrics.loading import SQL_FOLDER
from metrics.miles import UNITS, contracts_in_miles

CONTRACTS = load_contracts()
PATH = SQL_FOLDER / "kpi" / "fr.yml"
WORDS = {"label", "short", "definition", "population", "steps", "unit"}


def test_french_has_the_words_of_every_contract_and_no_others() -> None:
    words = load_translation(PATH)
    assert set(words.metrics) == {metric.name for metric in CONTRACTS.metrics}
    assert set(words.dimensions) == {dimension.name for dimension in CONTRACTS.dimensions}
    assert set(words.phrases) == set().union(*map(phrases_of, CONTRACTS.metrics))


def test_nothing_but_words_changes() -> None:
    told = in_language(CONTRACTS, "fr")
    for english, french in zip(CONTRACTS.metrics, told.metrics, strict=True):
        changed = {name for name, value in english.described.items() if french.described[name] != value} - {
            name for name in english.described if name.endswith("_label")
        }
        assert changed <= WORDS - {"unit"}, english.name
        assert french.definition != english.definition
        assert french.formula == english.formula
    assert in_language(CONTRACTS, "en") is CONTRACTS


def test_words_that_are_missing_are_named(tmp_path: Path) -> None:
    text = PATH.read_text(encoding="utf-8")
    (tmp_path / "fr.yml").write_text(text.replace("  trip_length:\n", "  trip_length_of_old:\n"), encoding="utf-8")
    with pytest.raises(ContractError, match=r"fr\.yml: metrics\.trip_length"):
        in_language(CONTRACTS, "fr", tmp_path)
    with pytest.raises(ContractError, match="no contracts in this language"):
        in_language(CONTRACTS, "xx", tmp_path)


def test_every_unit_with_a_kilometre_has_one_with_a_mile() -> None:
    units = {metric.unit for metric in CONTRACTS.metrics}
    assert {unit for unit in units if "km" in unit} == set(UNITS)
    assert not {unit for unit in {metric.unit for metric in contracts_in_miles(CONTRACTS).metrics} if "km" in unit}


def test_words_go_by_the_mile_where_the_figure_does() -> None:
    told = contracts_in_miles(replace(CONTRACTS))
    assert told.metric("trip_length").short == "mi per trip"
    assert told.metric("fault_rate_by_distance").label == "Faults per million mi"
    assert told.metric("driving_under_30_share").label == "Driving at under 30 km/h", (
        "a class of speed stays what it is"
    )
