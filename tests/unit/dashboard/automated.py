"""A made-up fleet that drives with automation, as KPI rows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from tests.unit.metrics.platform import frame

#: Per model: fitted level, vehicles, kilometres a day of all together, of these engaged, disengagements by reason.
MODELS = {
    "Corvid": (2, 100, 4000.0, 1000.0, {"driver_override": 6, "weather": 2}),
    "Heron": (3, 50, 2000.0, 1200.0, {"driver_override": 3, "lane_markings": 1}),
    "Kestrel": (2, 4, 100.0, 50.0, {"driver_override": 1}),
}
_PART = {"driver_override": "override", "weather": "weather", "lane_markings": "lane_markings"}
#: Bucket of a takeover after five seconds: ceil(ln(5) / ln(1.02)).
FIVE_SECONDS = 82


def automated_frames(last: date, days: int) -> dict[str, pl.DataFrame]:
    """KPI tables of automated driving, so many days up to the newest.

    Args:
        last: newest day.
        days: number of days, each like the others.

    Returns:
        ``kpi.automation``, ``kpi.engagements`` and ``kpi.disengagements``.
    """
    rows: dict[str, list[dict[str, Any]]] = {"automation": [], "engagements": [], "disengagements": []}
    for back in range(days):
        for model, (level, vehicles, km, engaged_km, reasons) in MODELS.items():
            at = {"date": last - timedelta(back), "model": model}
            rows["automation"].append(at | _fitted(level, vehicles, km, engaged_km))
            ended = sum(reasons.values())
            system = ended - reasons["driver_override"]
            per_reason = {f"{_PART[reason]}_disengagements": count for reason, count in reasons.items()}
            rows["engagements"].append(
                at
                | {"engaged_level": str(level), "vehicles": vehicles, "segments": 2 * vehicles}
                | {"measured_segments": 2 * vehicles, "engaged_km": engaged_km, "engaged_km_squared": engaged_km**2}
                | {"takeover_requests": system, "system_ended_requests": system, "disengagements": ended}
                | {"driver_disengagements": reasons["driver_override"], "system_disengagements": system}
                | per_reason
            )
            for place, (reason, count) in enumerate(reasons.items()):
                by = "driver" if reason == "driver_override" else "system"
                timed = count if by == "system" else 0
                rows["disengagements"].append(
                    at
                    | {"engaged_level": str(level), "initiator": by, "reason": reason}
                    | {"log_bucket": FIVE_SECONDS if timed else 0, "vehicles": 0 if place else vehicles}
                    | {"disengagements": count, "takeover_requests": timed, "timed_takeovers": timed}
                )
    return {f"kpi.{table}": frame(table, told) for table, told in rows.items()}


def _fitted(level: int, vehicles: int, km: float, engaged_km: float) -> dict[str, Any]:
    at_3 = {"level_3_vehicles": vehicles, "level_3_driven_vehicles": vehicles, "level_3_fitted_km": km}
    parts: dict[str, Any] = {"automation_level": str(level), "vehicles": vehicles, "known_vehicles": vehicles}
    parts |= {"fitted_vehicles": vehicles, "driven_vehicles": vehicles, "engaged_vehicles": vehicles // 2}
    parts |= {"fitted_km": km, "engaged_km": engaged_km, f"engaged_level_{level}_km": engaged_km}
    return parts | (at_3 if level >= 3 else {})
