"""What a charging session brought: meter, counter, power and state of charge against each other."""

from __future__ import annotations

import polars as pl

from transforms.core.charging.rules import ChargingRules


def refused(rules: ChargingRules) -> dict[str, pl.Expr]:
    """Which witnesses of a session are not believed, by the signal; expressions of kind, null where it is.

    Columns: ``energy_kwh`` by the meter, ``by_counter`` and ``by_power`` stored, ``soc_start_pct``, ``soc_end_pct``.
    """
    rise = pl.col("soc_end_pct") - pl.col("soc_start_pct")
    stored = pl.max_horizontal("by_counter", "by_power")
    stands = (pl.col("by_counter") < rules.counter_rise_kwh) & (
        (pl.col("by_power") >= 1) | (rise >= 2 * rules.soc_rise_pct)
    ).fill_null(value=False)
    most = pl.min_horizontal(
        pl.when(stored >= 1).then(2 * stored + 10), pl.when(rise >= 1).then(rise / 100 * rules.largest_kwh + 10)
    )
    kind = pl.when
    return {
        "energy_charged_kwh": kind(stands).then(pl.lit("frozen")),
        "energy_kwh": kind(pl.col("energy_kwh") > most)
        .then(pl.lit("scale"))
        .when(~stands & (stored > 1.1 * pl.col("energy_kwh") + 1))
        .then(pl.lit("conflict")),
    }


def doubted(kinds: dict[str, pl.Expr], said: dict[str, str]) -> pl.Expr:
    """The text of ``charging_sessions.doubted``: signal, kind and what it said of each that is not believed."""
    parts = [
        pl.when(kind.is_not_null()).then(pl.format("{}:{}:{}", pl.lit(signal), kind, pl.col(said[signal])))
        for signal, kind in kinds.items()
    ]
    text = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.when(text != "").then(text)
