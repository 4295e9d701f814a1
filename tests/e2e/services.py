"""Services of the made-up fleet as KPI rows: who has them, uses them, pays for them and stays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from tests.unit.metrics.platform import frame

#: Vehicles that have a service, by market.
MARKETS = {"FR": 640, "JP": 560, "DE": 420}
SERVICES = {"navigation": 0.6, "remote_control": 0.45}
_STEPS = (("eligible", 1.0), ("consented", 0.8), ("activated", 0.7), ("used", 0.5), ("used_in_week_4", 0.3))


def service_frames(last: date, days: int) -> dict[str, pl.DataFrame]:
    """KPI tables of connected services, so many days up to the newest.

    Args:
        last: newest day.
        days: number of days.

    Returns:
        The tables of ``sql/kpi/adoption`` and ``kpi.deliveries``.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for back in range(days):
        for market, size in MARKETS.items():
            at = {"date": last - timedelta(back), "market": market}
            rows.setdefault("deliveries", []).append(at | {"vehicles": size})
            paying = {"service_vehicles": size, "paying_vehicles": size // 3}
            units = {"unit_vehicles": size, "connected_vehicles": size * 9 // 10}
            rows.setdefault("connected", []).append(at | {"vehicles": size} | units | paying)
            for service, share in SERVICES.items():
                for table, told in _of(service, size, share, back):
                    rows.setdefault(table, []).append(at | {"service": service} | told)
    return {f"kpi.{table}": frame(table, told) for table, told in rows.items()}


def _of(service: str, size: int, share: float, back: int) -> list[tuple[str, dict[str, Any]]]:
    has = round(size * share)
    tried, new = has // 2, has // 20
    equipped = {"vehicles": size // 2, "equipped_vehicles": has}
    uses = {"delivered_vehicles": size, "consented_vehicles": has * 3 // 4, "activated_vehicles": has * 2 // 3}
    people = {"tried_vehicles": tried, "tried_before_vehicles": tried - new, "new_vehicles": new}
    kept = {"returning_vehicles": tried - 3 * new, "resurrected_vehicles": new, "dormant_vehicles": new}
    paid = {"vehicles": has // 2, "trial_vehicles": has // 8, "paid_vehicles": has // 4}
    told = [
        ("services", equipped | uses | {"active_7d_vehicles": has // 3, "active_28d_vehicles": has // 2}),
        ("service_lifecycle", equipped | people | kept),
        ("service_payments", paid),
    ]
    began = size // 20
    for step, reached in _STEPS:
        first = {"vehicles": began, "eligible_vehicles": began} if step == "eligible" else {}
        told.append(("service_funnel", {"step": step, "reached_vehicles": round(began * reached)} | first))
    for age in range(min(13, (back + 1) // 7)):
        first = {"vehicles": began, "began_vehicles": began} if age == 0 else {}
        told.append(("service_retention", {"age_weeks": age, "retained_vehicles": began * (20 - age) // 20} | first))
    return told
