"""The table of causes and codes agrees with itself and with SAE J2012."""

from __future__ import annotations

import re

import numpy as np

from lake.schemas.raw.rows import DTC_REGEX
from simulator.failures.causes import CAUSES, CODE_OF, CODES, FITTED, LABELS, MODEL_FACTOR, NAMES
from simulator.fleet import POWERTRAINS
from simulator.lineup import MODELS


def test_codes_are_codes_and_each_stands_once() -> None:
    assert all(re.match(DTC_REGEX, code.code) for code in CODES)
    assert len({code.code for code in CODES}) == len(CODES)
    assert {code for cause in CAUSES for code in cause.codes} == {code.code for code in CODES}


def test_a_vehicle_never_has_one_code_from_two_causes() -> None:
    for powertrain in POWERTRAINS:
        codes = [code for cause in CAUSES if powertrain in cause.fitted for code in set(cause.codes)]
        assert len(codes) == len(set(codes))


def test_parts_belong_to_powertrains() -> None:
    has = {name: dict(zip(POWERTRAINS, FITTED[:, c], strict=True)) for c, name in enumerate(NAMES)}
    assert has["coolant_pump"] == {"ICE": True, "HEV": True, "PHEV": True, "BEV": False}
    assert has["traction_battery"] == {"ICE": False, "HEV": False, "PHEV": True, "BEV": True}
    assert all(has["lv_battery"].values())


def test_every_mode_has_its_code() -> None:
    for c, cause in enumerate(CAUSES):
        assert [CODES[code].code for code in CODE_OF[c, : len(cause.codes)]] == list(cause.codes)
    assert set(LABELS) - set(NAMES) == {"spurious"}


def test_factors_are_of_models_there_are() -> None:
    named = {model for cause in CAUSES for model, _ in cause.models}
    assert named <= {model.name for model in MODELS}
    assert (MODEL_FACTOR != 1).sum() == sum(len(cause.models) for cause in CAUSES)
    assert np.isfinite(MODEL_FACTOR).all()
