"""What can go wrong with a vehicle, and the diagnostic trouble codes that say so. Data only, apart from look-ups.

Codes of SAE J2012 that begin with P0, U0 or C0 are controlled by ISO and SAE; C1 is the range that manufacturers
control, and holds what the alliance has no common code for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import POWERTRAINS
from simulator.lineup import MODELS

WITH_ENGINE = ("ICE", "HEV", "PHEV")
WITH_PLUG = ("PHEV", "BEV")


@dataclass(frozen=True)
class Code:
    """A diagnostic trouble code.

    Attributes:
        code: SAE J2012.
        meaning: in words.
        ecu: control unit that reports it.
        lamp: it lights the malfunction indicator lamp.
    """

    code: str
    meaning: str
    ecu: str
    lamp: bool


CODES: tuple[Code, ...] = (
    Code("P0562", "System voltage low", "BCM", True),
    Code("P0A80", "Hybrid/EV battery pack: replace", "BMS", True),
    Code("P0A7E", "Hybrid/EV battery pack over temperature", "BMS", True),
    Code("C0077", "Low tyre pressure", "TPMS", False),
    Code("C1B60", "Front brake pads worn", "ABS", False),
    Code("P0217", "Engine coolant over temperature", "ECM", True),
    Code("C0031", "Left front wheel speed sensor", "ABS", False),
    Code("C0034", "Right front wheel speed sensor", "ABS", False),
    Code("C0037", "Left rear wheel speed sensor", "ABS", False),
    Code("C003A", "Right rear wheel speed sensor", "ABS", False),
    Code("P0071", "Ambient air temperature sensor range/performance", "ECM", True),
    Code("P0074", "Ambient air temperature sensor circuit intermittent", "ECM", True),
    Code("C0750", "Left front tyre pressure sensor", "TPMS", False),
    Code("C0755", "Right front tyre pressure sensor", "TPMS", False),
    Code("C0760", "Left rear tyre pressure sensor", "TPMS", False),
    Code("C0765", "Right rear tyre pressure sensor", "TPMS", False),
    Code("U0198", "Lost communication with telematic control module", "GW", False),
    Code("P0171", "System too lean, bank 1", "ECM", True),
    Code("P0300", "Random or multiple cylinder misfire", "ECM", True),
    Code("P0420", "Catalyst system efficiency below threshold, bank 1", "ECM", True),
    Code("P0AA6", "Hybrid/EV battery voltage system isolation fault", "BMS", True),
    Code("U0111", "Lost communication with battery energy control module A", "GW", False),
    Code("U0121", "Lost communication with anti-lock brake system control module", "GW", False),
    Code("U0140", "Lost communication with body control module", "GW", False),
    Code("U0155", "Lost communication with instrument panel cluster control module", "GW", False),
)

CODE_INDEX = {code.code: k for k, code in enumerate(CODES)}


@dataclass(frozen=True)
class Cause:
    """A cause of failure. Times are medians of log-normal draws.

    Attributes:
        name: as the truth tables call it.
        codes: one per mode; a failure has one mode all its life (a wheel, a way to fail).
        per_year: failures per vehicle-year at the reference (see ``hazards.rates``).
        develops_days: from the first sign to the code; 0 if nothing announces it.
        flaps: share of failures whose code first comes and goes.
        heals: share that goes away without a workshop.
        heals_days: from the code to that.
        visit_days: from the code to the workshop.
        part: what the workshop replaces, if anything.
        fitted: powertrains that have the part.
        shows_after_s: how far into a drive the code is set at the earliest.
        models: factor of ``per_year`` for some models.
    """

    name: str
    codes: tuple[str, ...]
    per_year: float
    develops_days: float
    flaps: float
    heals: float
    heals_days: float
    visit_days: float
    part: str | None
    fitted: tuple[str, ...] = POWERTRAINS
    shows_after_s: int = 0
    models: tuple[tuple[str, float], ...] = ()


_WHEEL_SPEED = ("C0031", "C0034", "C0037", "C003A")
_TYRE_SENSOR = ("C0750", "C0755", "C0760", "C0765")
_SPURIOUS_ENGINE = ("P0171", "P0300", "P0420", "U0121", "U0140", "U0155")
_SPURIOUS_PLUG = ("P0AA6", "U0111", "U0121", "U0140", "U0155")

CAUSES: tuple[Cause, ...] = (
    Cause("lv_battery", ("P0562",), 0.11, 24, 0.4, 0.0, 1, 4, "lv_battery", models=(("Komori", 1.8),)),
    Cause("traction_battery", ("P0A80", "P0A7E"), 0.08, 40, 0.2, 0.0, 1, 14, "battery_module", WITH_PLUG, 600),
    Cause("tyre_leak", ("C0077",) * 4, 0.4, 9, 0.1, 0.45, 2, 3, "tyre"),
    Cause("brake_wear", ("C1B60",), 0.0, 0, 0.1, 0.0, 1, 9, "brake_pads"),
    Cause("coolant_pump", ("P0217",), 0.09, 18, 0.35, 0.0, 1, 3, "coolant_pump", WITH_ENGINE, 600, (("Valdor", 2.5),)),
    Cause("wheel_speed_sensor", _WHEEL_SPEED, 0.12, 12, 0.8, 0.1, 20, 6, "wheel_speed_sensor"),
    Cause("ambient_sensor", ("P0071", "P0074"), 0.1, 10, 0.3, 0.15, 25, 20, "ambient_sensor"),
    Cause("tyre_sensor", _TYRE_SENSOR, 0.16, 14, 0.5, 0.1, 15, 18, "tyre_sensor", models=(("Brizane", 2.2),)),
    Cause("software", ("U0198",), 0.3, 0, 0.35, 0.9, 0.8, 15, None),
    Cause("spurious_engine", _SPURIOUS_ENGINE, 3.6, 0, 0.25, 0.85, 2, 12, None, WITH_ENGINE),
    Cause("spurious_plug", _SPURIOUS_PLUG, 2.8, 0, 0.25, 0.85, 2, 12, None, ("BEV",)),
)

NAMES = tuple(cause.name for cause in CAUSES)
LV_BATTERY, TRACTION, TYRE_LEAK, BRAKE, COOLANT, WHEEL_SPEED, AMBIENT, TYRE_SENSOR, SOFTWARE = range(9)
#: Causes that are no part's failure; truth calls both kinds of spurious codes ``spurious``.
LABELS = tuple(name.split("_")[0] if name.startswith("spurious") else name for name in NAMES)
IS_PART: NDArray[np.bool_] = np.array([cause.part is not None for cause in CAUSES])
MODES: NDArray[np.int64] = np.array([len(cause.codes) for cause in CAUSES])
#: Index into ``CODES`` by cause and mode, shape (causes, most modes).
CODE_OF: NDArray[np.int64] = np.array(
    [[CODE_INDEX[cause.codes[min(mode, len(cause.codes) - 1)]] for mode in range(MODES.max())] for cause in CAUSES]
)
#: Shape (powertrains, causes).
FITTED: NDArray[np.bool_] = np.array([[powertrain in cause.fitted for cause in CAUSES] for powertrain in POWERTRAINS])
#: Shape (models, causes).
MODEL_FACTOR: NDArray[np.float64] = np.array(
    [[dict(cause.models).get(model.name, 1.0) for cause in CAUSES] for model in MODELS]
)


@dataclass(frozen=True)
class Regression:
    """A software version that sets a code more often than the others do.

    Attributes:
        version: software version, as the registry and campaigns write it.
        cause: whose incidence it raises.
        factor: by how much.
    """

    version: str
    cause: str = "software"
    factor: float = 14.0
