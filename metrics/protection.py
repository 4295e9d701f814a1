"""Noise in what is told of a published database: many answers taken together tell far less of single vehicles.

The cell-key method of statistical offices: each row of a KPI table has a random key, a cell has the sum of the keys of
its rows, and from that sum its noise is drawn. So the same vehicles have the same noise however they are asked for, and
others another. Source: B. Fraser, J. Wooton, "A proposed method for confidentialising tabular output to protect against
differencing", UNECE work session on statistical data confidentiality (2005). What is derivable all the same:
docs/metrics.md, section "Small groups".
"""

from __future__ import annotations

from typing import Final

import duckdb

from metrics.loading import Contracts

#: Column of the keys, and how many there are.
KEY: Final = "cell_key"
KEYS: Final = 2**32
#: A count is told with at most so much noise, an amount with at most this share of what one vehicle has of it.
NOISE: Final = 2
SHARE: Final = 0.5
_STEP = 2 * NOISE + 1


def add_keys(con: duckdb.DuckDBPyConnection, contracts: Contracts, secret: bytes) -> None:
    """Give each row of every KPI table its key. Rows that no vehicle is counted in have none: they change no noise.

    Args:
        con: connection to a database whose schema ``kpi`` has the tables; they are changed.
        contracts: the contracts.
        secret: who does not know it cannot tell the keys.
    """
    for table in contracts.tables:
        texts = ", ".join(
            f'cast("{name}" as varchar)' for name in (*table.dimension_names, *table.key_names, "vehicles")
        )
        con.execute(f"alter table {table.table} add column {KEY} bigint default 0")
        con.execute(
            f"update {table.table} set {KEY} = md5_number_lower(concat_ws(chr(31), $secret, {texts})) % {KEYS} "
            "where vehicles > 0",
            {"secret": secret.hex()},
        )


def count_told(value: str, key: str) -> str:
    """SQL of a count with its noise: whole, at most ``NOISE`` off, on average right, never below none.

    It is rounded to steps that begin where the key says. So of one cell no count that is smaller is told as larger:
    a part stays a part. None is told as none, and one as none, one or two.

    Args:
        value: SQL of the count.
        key: SQL of the key of its cell.
    """
    begins = f"(md5_number_lower(cast({key} as varchar)) % {_STEP})"
    rounded = f"({_STEP} * floor(({value} + {begins}) / {_STEP}) - {begins} + {NOISE})"
    return (
        f"case when {value} is null or {value} = 0 then {value} "
        f"when {value} = 1 then least(2, greatest(0, {rounded})) else {rounded} end"
    )


def amount_told(value: str, key: str, of_one: str) -> str:
    """SQL of an amount with its noise, at most ``SHARE`` of what one vehicle has of it, on average none.

    Args:
        value: SQL of the amount.
        key: SQL of the key of its cell.
        of_one: SQL of what one vehicle has of it.
    """
    even = f"(md5_number_upper(cast({key} as varchar)) % 65537 / 32768.0 - 1)"
    return f"case when {value} = 0 then {value} else {value} + {SHARE} * {even} * {of_one} end"
