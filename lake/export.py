"""A result on its way out: as a table for reading, or as CSV, JSON or Parquet."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lake.errors import QueryError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

Format = Literal["table", "csv", "json", "parquet"]
_BY_ENDING: dict[str, Format] = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
_SHOWN_ROWS = 200


def format_of(asked: Format | None, output: Path | None) -> Format:
    """The format that is asked for, or that the ending of the file's name says; a table on the terminal.

    Raises:
        QueryError: the ending says none that is known, or Parquet would go to the terminal.
    """
    if output is None:
        if asked == "parquet":
            raise QueryError("Parquet does not go to a terminal", action="give --output FILE")
        return asked or "table"
    kind = asked or _BY_ENDING.get(output.suffix)
    if kind is None:
        raise QueryError(
            "The format of the output is not clear",
            found=str(output),
            expected=f"a name that ends in {', '.join(_BY_ENDING)}",
            action="give --format",
        )
    return kind


@contextmanager
def whole(output: Path | None, scratch: Path) -> Iterator[Path]:
    """A file to write a result to, that goes where it is wanted once it is whole, and nowhere if it never is.

    Args:
        output: the file that is wanted, which is replaced in one step; standard output where ``None``.
        scratch: folder for what does not end as a file: standard output, a pipe, a device.
    """
    target = output and output.resolve()
    replaced = target if target and (target.is_file() or not target.exists()) else None
    beside = replaced.with_name(f".sillage-{os.getpid()}.tmp") if replaced else scratch / "result"
    try:
        beside.touch()  # says right away that a folder is not there, or may not be written
        yield beside
        if replaced:
            beside.replace(replaced)
        else:
            _pass_on(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _pass_on(result: Path, target: Path | None) -> None:
    if target is None:
        with result.open(encoding="utf-8", newline="") as text:
            shutil.copyfileobj(text, sys.stdout)
    else:
        with result.open("rb") as data, target.open("wb") as pipe:
            shutil.copyfileobj(data, pipe)


def frame_of(result: duckdb.DuckDBPyRelation, kind: Format) -> pl.DataFrame:
    """A result as a frame that can be written in a format.

    What frames do not have, intervals and unions, becomes text; for CSV also lists, structs and maps (as JSON), and
    bytes.
    """
    wanted = [
        _shown(f'"{name.replace(chr(34), chr(34) * 2)}"', str(type_), kind)
        for name, type_ in zip(result.columns, result.types, strict=True)
    ]
    return (result.project(", ".join(wanted)) if any(" as " in column for column in wanted) else result).pl()


def _shown(column: str, type_: str, kind: Format) -> str:
    """SQL for a column of a result, given the name of its type."""
    if "INTERVAL" in type_ or "UNION(" in type_:
        return f"{column}::varchar as {column}"
    if kind == "csv" and (type_.endswith("]") or type_.startswith(("STRUCT(", "MAP("))):
        return f"to_json({column})::varchar as {column}"
    if kind == "csv" and type_ in ("BLOB", "BIT"):
        return f"{column}::varchar as {column}"
    return column


def write_frame(frame: pl.DataFrame, kind: Format, target: Path, *, width: int = 120) -> str:
    """Write a result to a file.

    Args:
        frame: the result.
        kind: how it is written.
        target: where to.
        width: columns of the terminal, for tables.

    Returns:
        A note for the reader where not all rows are in it, otherwise nothing.
    """
    if kind == "parquet":
        frame.write_parquet(target)
        return ""
    text = _csv(frame) if kind == "csv" else _json(frame) if kind == "json" else _table(frame, width)
    target.write_text(text, encoding="utf-8", newline="")
    if kind == "table" and frame.height > _SHOWN_ROWS:
        return f"{_SHOWN_ROWS} of {frame.height:,} rows shown; --output FILE.csv writes them all"
    return ""


def _csv(frame: pl.DataFrame) -> str:
    return frame.write_csv()


def _json(frame: pl.DataFrame) -> str:
    import polars as pl

    # JSON has neither NaN nor infinity.
    numbers = pl.selectors.float()
    frame = frame.with_columns(pl.when(numbers.is_finite()).then(numbers))
    return json.dumps(frame.to_dicts(), default=_plain, indent=1, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    """What JSON has for it: sums of whole numbers come as decimals."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _table(frame: pl.DataFrame, width: int) -> str:
    import polars as pl

    with pl.Config(
        tbl_rows=_SHOWN_ROWS,
        tbl_cols=60,
        tbl_width_chars=width,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_formatting="UTF8_BORDERS_ONLY",
        tbl_cell_numeric_alignment="RIGHT",
        fmt_str_lengths=80,
        thousands_separator=True,
        float_precision=3,
    ):
        return f"{frame}\n"
