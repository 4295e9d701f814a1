"""The signal catalogue: every signal that has a typed column in ``raw.telemetry``.

Paths are those of the COVESA Vehicle Signal Specification (VSS), units are the ones the *column* carries. What a feed
sends in other units is converted at the door by its profile. A signal that is not here lands in ``extras``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import polars as pl


class Privacy(StrEnum):
    """How much a signal says about a person (the class decides who may read it and how long it is kept)."""

    TECHNICAL = "technical"  # about the machine
    BEHAVIOUR = "behaviour"  # how somebody drives
    LOCATION = "location"  # where somebody is
    IDENTIFIER = "identifier"  # who somebody is: never stored


@dataclass(frozen=True)
class Signal:
    """One signal of the catalogue.

    Attributes:
        column: name of the column, unit included.
        vss: VSS path.
        unit: unit of the column as pint reads it; ``None`` for booleans and pure numbers.
        kind: ``float``, ``int`` or ``bool``.
        low: least plausible value, in ``unit``. Raw keeps values outside; core takes them for not sent.
        high: greatest plausible value.
        privacy: privacy class.
        label: what it is, in words.
    """

    column: str
    vss: str
    unit: str | None
    kind: Literal["float", "int", "bool"]
    low: float | None
    high: float | None
    privacy: Privacy
    label: str

    @property
    def dtype(self) -> pl.DataType:
        """The column's Polars type."""
        return {"float": pl.Float64(), "int": pl.Int64(), "bool": pl.Boolean()}[self.kind]


_T, _B, _L = Privacy.TECHNICAL, Privacy.BEHAVIOUR, Privacy.LOCATION
_ENGINE = "Vehicle.Powertrain.CombustionEngine"
_PACK = "Vehicle.Powertrain.TractionBattery"
_FUEL = "Vehicle.Powertrain.FuelSystem"
_WHEEL = "Vehicle.Chassis.Axle.Row{row}.Wheel.{side}"


def _float(column: str, vss: str, unit: str, low: float, high: float, privacy: Privacy, label: str) -> Signal:
    return Signal(column, vss, unit, "float", low, high, privacy, label)


def _bool(column: str, vss: str, privacy: Privacy, label: str) -> Signal:
    return Signal(column, vss, None, "bool", None, None, privacy, label)


def _wheels(column: str, leaf: str, unit: str, low: float, high: float, label: str) -> list[Signal]:
    return [
        _float(
            column.format(wheel=f"{end}_{side.lower()}"),
            f"{_WHEEL.format(row=row, side=side)}.{leaf}",
            unit, low, high, _T, f"{label}, {end} {side.lower()}",
        )
        for row, end in ((1, "front"), (2, "rear"))
        for side in ("Left", "Right")
    ]  # fmt: skip


SIGNALS: tuple[Signal, ...] = (
    # Motion
    _float("speed_kmh", "Vehicle.Speed", "km/h", -80, 350, _B, "Speed over ground; negative in reverse"),
    _float("odometer_km", "Vehicle.TraveledDistance", "km", 0, 5_000_000, _B, "Distance since the vehicle was built"),
    _float("acceleration_longitudinal_mps2", "Vehicle.Acceleration.Longitudinal", "m/s^2", -20, 20, _B,
           "Longitudinal acceleration, forward positive"),
    _float("acceleration_lateral_mps2", "Vehicle.Acceleration.Lateral", "m/s^2", -20, 20, _B,
           "Lateral acceleration, left positive"),
    _float("yaw_rate_degps", "Vehicle.AngularVelocity.Yaw", "deg/s", -200, 200, _B, "Yaw rate, left positive"),
    # Position
    _float("latitude_deg", "Vehicle.CurrentLocation.Latitude", "deg", -90, 90, _L, "Latitude, WGS 84"),
    _float("longitude_deg", "Vehicle.CurrentLocation.Longitude", "deg", -180, 180, _L, "Longitude, WGS 84"),
    _float("altitude_m", "Vehicle.CurrentLocation.Altitude", "m", -500, 9_000, _L, "Altitude above the ellipsoid"),
    _float("heading_deg", "Vehicle.CurrentLocation.Heading", "deg", 0, 360, _L, "Course over ground, north is 0"),
    _float("position_accuracy_m", "Vehicle.CurrentLocation.HorizontalAccuracy", "m", 0, 10_000, _T,
           "Horizontal accuracy of the position"),
    # Driver's controls
    _bool("ignition_on", "Vehicle.LowVoltageSystemState", _B, "Ignition on (state ON or START)"),
    Signal("gear", "Vehicle.Powertrain.Transmission.CurrentGear", None, "int", -9, 24, _T,
           "Engaged gear; 0 neutral, negative reverse"),
    _bool("parking_brake_on", "Vehicle.Chassis.ParkingBrake.IsEngaged", _B, "Parking brake engaged"),
    _float("accelerator_pedal_pct", "Vehicle.Chassis.Accelerator.PedalPosition", "percent", 0, 100, _B,
           "Accelerator pedal position"),
    _float("brake_pedal_pct", "Vehicle.Chassis.Brake.PedalPosition", "percent", 0, 100, _B, "Brake pedal position"),
    # Combustion engine and fuel
    _float("engine_speed_rpm", f"{_ENGINE}.Speed", "rpm", 0, 12_000, _T, "Engine speed"),
    _float("engine_hours_h", f"{_ENGINE}.EngineHours", "h", 0, 200_000, _T, "Engine running time since built"),
    _float("coolant_temperature_c", f"{_ENGINE}.EngineCoolant.Temperature", "degC", -50, 200, _T,
           "Engine coolant temperature"),
    _float("oil_temperature_c", f"{_ENGINE}.EngineOil.Temperature", "degC", -50, 250, _T, "Engine oil temperature"),
    _float("exhaust_fluid_level_pct", f"{_ENGINE}.DieselExhaustFluid.Level", "percent", 0, 100, _T,
           "Diesel exhaust fluid level"),
    _float("fuel_level_pct", f"{_FUEL}.RelativeLevel", "percent", 0, 100, _T, "Fuel level, share of the tank"),
    _float("fuel_level_l", f"{_FUEL}.AbsoluteLevel", "l", 0, 2_000, _T, "Fuel in the tank"),
    _float("fuel_used_l", f"{_FUEL}.AccumulatedConsumption", "l", 0, 5_000_000, _T, "Fuel used since built"),
    # Traction battery
    _float("soc_pct", f"{_PACK}.StateOfCharge.Displayed", "percent", 0, 100, _T, "State of charge, as displayed"),
    _float("soh_pct", f"{_PACK}.StateOfHealth", "percent", 0, 120, _T, "State of health the vehicle itself reports"),
    _float("battery_voltage_v", f"{_PACK}.CurrentVoltage", "V", 0, 1_500, _T, "Traction battery voltage"),
    _float("battery_current_a", f"{_PACK}.CurrentCurrent", "A", -3_000, 3_000, _T,
           "Traction battery current, into the battery positive"),
    _float("battery_power_kw", f"{_PACK}.CurrentPower", "kW", -1_500, 1_500, _T,
           "Traction battery power, into the battery positive"),
    _float("battery_temperature_c", f"{_PACK}.Temperature.Average", "degC", -60, 120, _T,
           "Traction battery temperature, mean of cells"),
    _float("energy_used_kwh", f"{_PACK}.AccumulatedConsumedEnergy", "kWh", 0, 2_000_000, _T,
           "Energy out of the traction battery since built"),
    _float("energy_charged_kwh", f"{_PACK}.AccumulatedChargedEnergy", "kWh", 0, 2_000_000, _T,
           "Energy charged into the traction battery since built"),
    _bool("charging_on", f"{_PACK}.Charging.IsCharging", _B, "Charging"),
    _bool("charging_cable_on", f"{_PACK}.Charging.IsChargingCableConnected", _B, "Charging cable connected"),
    _float("range_km", "Vehicle.Powertrain.Range", "km", 0, 3_000, _T, "Remaining range, all energy sources"),
    # Low-voltage battery
    _float("lv_battery_voltage_v", "Vehicle.LowVoltageBattery.CurrentVoltage", "V", 0, 60, _T,
           "Low-voltage (12 V, 24 V, 48 V) battery voltage"),
    _float("lv_battery_current_a", "Vehicle.LowVoltageBattery.CurrentCurrent", "A", -1_000, 1_000, _T,
           "Low-voltage battery current"),
    # Tyres and brakes
    *_wheels("tyre_pressure_{wheel}_kpa", "Tire.Pressure", "kPa", 0, 1_500, "Tyre pressure"),
    _float("brake_pad_wear_pct", "Vehicle.Chassis.Axle.Row1.Wheel.Left.Brake.PadWear", "percent", 0, 100, _T,
           "Brake pad wear, front left; 100 is worn"),
    # Temperatures
    _float("ambient_temperature_c", "Vehicle.Exterior.AirTemperature", "degC", -60, 70, _T, "Outside air"),
    _float("cabin_temperature_c", "Vehicle.Cabin.HVAC.AmbientAirTemperature", "degC", -60, 100, _T, "Cabin air"),
    # Driving automation, load, upkeep
    Signal("automation_level", "Vehicle.ADAS.ActiveAutonomyLevel", None, "int", 0, 5, _B,
           "Level of driving automation engaged, SAE J3016"),
    _float("gross_weight_kg", "Vehicle.CurrentOverallWeight", "kg", 0, 100_000, _T, "Weight with load"),
    _float("service_distance_km", "Vehicle.Service.DistanceToService", "km", -100_000, 200_000, _T,
           "Distance to the next service; negative is overdue"),
    _bool("malfunction_lamp_on", "Vehicle.OBD.Status.IsMILOn", _T, "Malfunction indicator lamp (MIL) lit"),
    Signal("dtc_count", "Vehicle.Diagnostics.DTCCount", None, "int", 0, 10_000, _T,
           "Number of active diagnostic trouble codes"),
)  # fmt: skip

BY_COLUMN: dict[str, Signal] = {signal.column: signal for signal in SIGNALS}
BY_VSS: dict[str, Signal] = {signal.vss: signal for signal in SIGNALS}

#: VSS paths that name a vehicle or a person. Their values never enter the lake, not even in ``extras``.
IDENTIFIER_PATHS: frozenset[str] = frozenset(
    {
        "Vehicle.VehicleIdentification.VIN",
        "Vehicle.VehicleIdentification.LicensePlate",
        "Vehicle.Driver.Identifier.Subject",
        "Vehicle.Tachograph.Driver.Driver1.DriverIdentification",
        "Vehicle.Tachograph.Driver.Driver2.DriverIdentification",
    }
)

#: Units in which VSS sends a signal, where that is not the unit of the column.
_VSS_UNITS = {"range_km": "m", "battery_power_kw": "W"}
#: The odometer was a float of kilometres before VSS 6, and is an integer of metres since.
_ODOMETER_IN_METRES_SINCE = 6


def vss_unit(signal: Signal, version: int) -> str | None:
    """Unit in which a feed of this VSS major version sends the signal; ``None`` for booleans and pure numbers."""
    if signal.column == "odometer_km":
        return "m" if version >= _ODOMETER_IN_METRES_SINCE else "km"
    return _VSS_UNITS.get(signal.column, signal.unit)
