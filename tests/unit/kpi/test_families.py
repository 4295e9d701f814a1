"""What the business asks of the fleet, and the metrics that answer it: each has a case and a truth test, none is left.

A case counts for a metric where an expected row of its table has more than 0 of each part that the metric is made of.
A truth test counts where a file of ``tests/integration/truth`` names the table and each of these parts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from metrics import SQL_FOLDER, Metric, load_contracts
from metrics.expressions import parts_of

CASES = Path(__file__).parent / "cases"
TRUTH = Path(__file__).parents[2] / "integration" / "truth"

FAMILIES: dict[str, dict[str, str]] = {
    "usage": {
        "vehicles in the fleet, active within 1, 7 and 28 days": (
            "fleet_vehicles daily_active_vehicles weekly_active_vehicles monthly_active_vehicles active_rate_28d "
            "stickiness"
        ),
        "utilisation split": "active_share stationary_share silent_share reporting_rate",
        "distance, trips and times": (
            "distance trips trip_length driving_time mean_speed idle_ratio distance_per_active_day unlogged_distance "
            "unlogged_share"
        ),
        "energy consumption net and gross, regenerated, and for how much it is known": (
            "energy_gross energy_net regenerated_share energy_coverage"
        ),
        "fuel consumption, and for how much it is known": "fuel_consumption fuel_coverage",
        "electric share of a plug-in hybrid's km": "electric_share",
        "consumption by ambient temperature": "energy_at_temperature fuel_at_temperature",
        "standby drain": "standby_drain",
        "harsh events per 1,000 km by kind": (
            "harsh_events harsh_acceleration_rate harsh_braking_rate harsh_cornering_rate"
        ),
        "trip length and duration quantiles": (
            "trip_length_p50 trip_length_p90 trip_length_p95 trip_duration_p50 trip_duration_p90 trip_duration_p95"
        ),
        "trips and km by local hour and weekday": "trips_by_hour distance_by_hour",
        "road-speed histogram": (
            "driving_under_30_share driving_30_to_50_share driving_50_to_70_share driving_70_to_90_share "
            "driving_90_to_110_share driving_110_to_130_share driving_from_130_share"
        ),
    },
    "charging": {
        "sessions": "charging_sessions energy_per_session",
        "energy drawn and stored, efficiency": "energy_drawn energy_stored charging_efficiency",
        "direct current by energy and by time": "dc_energy_share dc_time_share",
        "places": "home_charging_share work_charging_share public_charging_share",
        "power quantiles": (
            "ac_mean_power_p50 ac_mean_power_p90 ac_highest_power_p50 ac_highest_power_p90 "
            "dc_mean_power_p50 dc_mean_power_p90 dc_highest_power_p50 dc_highest_power_p90"
        ),
        "sessions by local hour": "sessions_by_hour energy_by_hour",
        "interrupted": "interrupted_share",
        "plugged in and idle, plug-ins that never charged": (
            "plug_ins plugged_idle_share plugged_idle_time uncharged_share"
        ),
        "state of charge at start and end": "charge_at_start charge_at_end",
    },
    "adoption": {
        "take rate": "take_rate eligible_services",
        "connected rate": "connected_rate",
        "per service: consented, activated": "consented_share activated_share",
        "adoption and retained adoption": "adoption retained_adoption",
        "active within 7 and 28 days, uses, session length": (
            "service_active_share_7d service_active_share_28d uses_per_active_vehicle service_sessions service_uses "
            "service_session_length service_session_length_p50 service_session_length_p90 service_session_length_p95"
        ),
        "funnel per service": "delivered_with_service service_funnel payment_funnel",
        "retention matrix": "service_activations service_retention",
        "lifecycle": ("new_service_users returning_service_users resurrected_service_users dormant_service_users"),
        "trials, renewals and churn": (
            "trial_subscriptions paid_subscriptions trial_conversion renewal_rate service_churn paying_share"
        ),
        "services per vehicle": "services_per_vehicle",
        "consents withdrawn": "consents_withdrawn",
    },
    "diagnostic": {
        "fault incidence": "fault_incidence fault_rate_by_distance fault_episodes",
        "prevalence": "fault_prevalence",
        "episodes per affected vehicle": "faults_per_affected_vehicle",
        "time to clear": "time_to_clear_p50 faults_open_after_7d faults_open_after_30d",
        "incidents by months in service": "incidents_3m incidents_6m incidents_12m incidents_24m",
        "by code, lamp and remote clear": "faults_by_code fault_lamp_share fault_remote_clear_share",
        "battery state of health": (
            "battery_soh_p10 battery_soh_p50 battery_below_80_share battery_fade_by_distance battery_known_share"
        ),
        "12 V, tyres, brakes, service": (
            "lv_battery_low_share tyres_low_share brakes_worn_share service_overdue_share"
        ),
        "health class": "healthy_share attention_share act_now_share",
        "workshop visits": "workshop_visit_rate workshop_repair_rate days_in_workshop workshop_repeat_share",
        "remote commands": (
            "remote_commands command_success_share command_failed_share command_unanswered_share command_latency_p50 "
            "command_latency_p95"
        ),
    },
    "software": {
        "roll-out by campaign and day": "targeted_vehicles rollout_share rollout_curve rollout_installs",
        "failed of attempted": "install_failure_share",
        "time to install": "time_to_install_p50 not_installed_after_7d not_installed_after_30d",
        "versions": "version_vehicles up_to_date_share",
        "faults before and after a version": "faults_before_version faults_after_version version_fault_ratio",
    },
    "market": {
        "fleet and deliveries": "fleet_vehicles delivered_vehicles deliveries",
        "connected, adoption, activity": "connected_rate adoption paying_share active_rate_28d",
        "the same at the platform's mix of models": (
            "connected_rate_at_mix adoption_at_mix paying_share_at_mix active_rate_28d_at_mix"
        ),
        "faults": "fault_incidence fault_rate_by_distance",
        "faults at the platform's mix of models": "fault_incidence_at_mix fault_rate_by_distance_at_mix",
    },
    "automation": {
        "fitted share": "automation_fitted_vehicles automation_fitted_share automation_level_3_share",
        "engaged share of km by level, of vehicles fitted": (
            "engaged_share engaged_share_level_2 engaged_share_level_3 engaged_share_level_4 engaging_share"
        ),
        "segments and their mean length": "engagements engaged_distance engagement_length",
        "disengagements per 1,000 engaged km by initiator": (
            "disengagement_rate driver_disengagement_rate system_disengagement_rate"
        ),
        "by reason": (
            "override_disengagement_rate lane_change_disengagement_rate destination_disengagement_rate "
            "comfort_disengagement_rate speed_disengagement_rate lane_markings_disengagement_rate "
            "weather_disengagement_rate construction_disengagement_rate sensor_disengagement_rate "
            "other_disengagement_rate disengagements_by_reason"
        ),
        "takeover requests per 1,000 engaged km": (
            "takeover_request_rate takeover_by_driver_rate takeover_by_system_rate takeover_requests_by_reason"
        ),
        "takeover time quantiles": "takeover_time_p50 takeover_time_p90 takeover_time_p95",
        "feature use funnel": "automation_funnel",
    },
    "data": {
        "freshness": "newest_message_p50 newest_message_p90",
        "lag quantiles of vehicle-days": "lag_p50 lag_p95 longest_lag_p50 longest_lag_p95 mean_lag",
        "lag quantiles of single messages": "message_lag_p50 message_lag_p95 message_lag_p99",
        "what comes after its day": "after_day_share after_day_p95",
        "completeness": "messages message_completeness incomplete_share",
        "duplicates": "duplicate_share",
        "late": "late_share",
        "implausible values": "implausible_rate",
        "implausible values by signal": "implausible_values implausible_vehicle_days",
        "silent vehicles": "silent_share silent_7d_share silent_28d_share",
        "coverage of KPIs": (
            "registry_coverage version_coverage odometer_coverage odometer_distance_share temperature_coverage "
            "charge_coverage interpolated_share energy_coverage fuel_coverage battery_known_share"
        ),
    },
}
#: What no metric answers, but a query in ``sql/examples``.
QUERIES = {
    "rejects by feed and reason": "rejected_records",
    "a version that brings faults, with its rate ratio and interval": "versions_that_bring_faults",
    "markets whose trials expire": "markets_whose_trials_expire",
    "markets in their places, with what these may be": "markets_ranked_by_connected_rate",
}

ASKED = [
    (family, question, name)
    for family, questions in FAMILIES.items()
    for question, names in questions.items()
    for name in names.split()
]
NAMES = list(dict.fromkeys(name for _, _, name in ASKED))


def _parts(metric: Metric) -> set[str]:
    """The parts that a metric is made of."""
    if base := getattr(metric, "base", None):
        return _parts(load_contracts().metric(base))
    summed = {part for key in metric.expressions for part in parts_of(getattr(metric, key))}
    return summed | {getattr(metric, key) for key in metric.named_parts}


@cache
def _in_cases(table: str) -> frozenset[str]:
    """Parts of which an expected row has more than 0."""
    cases = yaml.safe_load((CASES / f"{table}.yml").read_text())
    return frozenset(name for case in cases for row in case["expect"] for name, value in row.items() if value)


def _written(path: Path) -> Iterator[str]:
    """What a test names in its texts and keywords, as patterns: a hole of an f-string may be any word."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            pieces = [re.escape(v.value) if isinstance(v, ast.Constant) else r"\w+" for v in node.values]
            if any(isinstance(v, ast.Constant) for v in node.values):
                yield "".join(pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


@cache
def _in_truth_tests(table: str) -> re.Pattern[str]:
    """What the truth tests that name a KPI table name, as one pattern."""
    named = re.compile(rf"(kpi\\?\.)?{table}(:|\\:|$).*")
    files = [tuple(_written(path)) for path in sorted(TRUTH.glob("*.py"))]
    telling = [text for texts in files if any(named.fullmatch(text) for text in texts) for text in texts]
    return re.compile("|".join(f"(?:{text})" for text in telling) or r"(?!)")


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_has_a_case(name: str) -> None:
    metric = load_contracts().metric(name)
    assert _parts(metric) - _in_cases(metric.table.removeprefix("kpi.")) == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_has_a_truth_test(name: str) -> None:
    metric = load_contracts().metric(name)
    named = _in_truth_tests(metric.table.removeprefix("kpi."))
    assert {part for part in _parts(metric) if not named.fullmatch(part)} == set()


def test_no_metric_is_left_out() -> None:
    assert {m.name for m in load_contracts().metrics} - set(NAMES) == set()


@pytest.mark.parametrize("query", QUERIES.values())
def test_queries_that_answer_the_rest_are_there(query: str) -> None:
    assert (SQL_FOLDER / "examples" / f"{query}.sql").is_file()
