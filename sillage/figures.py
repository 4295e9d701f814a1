"""What answers with metrics of the published snapshot: ``metric``, ``rank`` and ``why``."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lake.export import Format
from sillage.terminal import err, grid, out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from lake.snapshot import SnapshotInfo
    from metrics import Contracts, Evaluation, Metric, MetricValue, Slice
    from metrics.ranks import Ranked
    from metrics.why import Segment, Why

Grain = Literal["day", "week", "month"]
Compare = Literal["previous", "year"]
_PERIOD = {"day": "date", "week": "week", "month": "month"}
_YEAR_DAYS = 364
_EFFECTS = 4
_LISTED = 20


def metric(
    *names: str,
    by: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    where: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    grain: Grain | None = None,
    since: Annotated[date | None, Parameter(name="--from")] = None,
    until: Annotated[date | None, Parameter(name="--to")] = None,
    last: int = 28,
    compare: Compare | None = None,
    format: Format | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    list: bool = False,
    family: str | None = None,
    explain: bool = False,
) -> None:
    """Work out metrics of the published snapshot, as the dashboard does.

    Args:
        names: Metrics, as --list names them.
        by: Dimensions to split by: --by market --by model.
        where: Filters: --where market=FR --where powertrain=BEV. Several values of one are let through together.
        grain: A value per day, week (from Monday) or month instead of one for the whole range.
        since: First UTC day.
        until: Last UTC day, included; the newest with data unless given.
        last: So many days that end with the last, where --from is not given.
        compare: The period to set against: the one before, or the same 52 weeks earlier.
        format: table, csv, json or parquet; by default what the ending of the file says, and a table in the terminal.
        output: File to write to instead of the terminal.
        list: List the metrics there are, instead.
        family: Of one family alone, with --list.
        explain: Say what the metrics are, and the query of their table, instead.
    """
    from lake.errors import QueryError

    if list or family:
        _list(family)
        return
    if not names:
        raise QueryError("No metric was named", action="name one or more; `sillage metric --list` shows them")
    if explain:
        _explain(names)
        return
    from lake.export import format_of, whole, write_frame
    from metrics import evaluate

    kind = format_of(format, output)

    with _snapshot() as (cursor, info, contracts):
        now = _slice(info, since, until, last, where)
        _refuse_strange_values(cursor, now)
        split = (*((_PERIOD[grain],) if grain else ()), *by)
        before = _before(now, compare)
        found = evaluate(cursor, names, now, by=split, compare=before, as_of=info.data_to, contracts=contracts)
    if kind == "table" and output is None:
        _show(found, now, before, info)
        return
    with TemporaryDirectory(prefix="sillage-") as scratch, whole(output, Path(scratch)) as target:
        note = write_frame(found.frame(), kind, target, width=out.width)
    if note:
        err.print(note, style="dim")


def why(
    name: str,
    *,
    by: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    where: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    since: Annotated[date | None, Parameter(name="--from")] = None,
    until: Annotated[date | None, Parameter(name="--to")] = None,
    last: int = 28,
    compare: Compare = "previous",
) -> None:
    """Say why a metric moved: how much is size, mix and rate, and the few segments behind it.

    Args:
        name: The metric.
        by: Dimensions in which reasons are sought; all that its table has unless given.
        where: Filters: --where market=FR.
        since: First UTC day.
        until: Last UTC day, included; the newest with data unless given.
        last: So many days that end with the last, where --from is not given.
        compare: The period to set against: the one before, or the same 52 weeks earlier.
    """
    from metrics.reasons import why as reasons

    with _snapshot() as (cursor, info, contracts):
        now = _slice(info, since, until, last, where)
        _refuse_strange_values(cursor, now)
        before = _before(now, compare)
        assert before is not None
        found = reasons(cursor, name, now, before, by=by, as_of=info.data_to, contracts=contracts)
    _tell(contracts.metric(name), found, now, before)
    _tell_noise(info)


def rank(
    name: str,
    *,
    by: str = "market",
    where: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    since: Annotated[date | None, Parameter(name="--from")] = None,
    until: Annotated[date | None, Parameter(name="--to")] = None,
    last: int = 28,
    format: Format | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Rank groups by a metric: how sure each place is, and how much of the gap to all is mix and how much rate.

    Args:
        name: The metric.
        by: The dimension whose values are ranked.
        where: Filters: --where powertrain=BEV.
        since: First UTC day.
        until: Last UTC day, included; the newest with data unless given.
        last: So many days that end with the last, where --from is not given.
        format: How the answer is written; a table unless a file's name says otherwise.
        output: File to write the answer to.
    """
    from lake.export import format_of, whole, write_frame
    from metrics.ranks import frame_of
    from metrics.reasons import ranking

    kind = format_of(format, output)
    with _snapshot() as (cursor, info, contracts):
        now = _slice(info, since, until, last, where)
        found = ranking(cursor, name, now, by=by, as_of=info.data_to, contracts=contracts)
    if kind == "table" and output is None:
        _show_ranks(contracts.metric(name), found, by, now, info)
        return
    with TemporaryDirectory(prefix="sillage-") as scratch, whole(output, Path(scratch)) as target:
        note = write_frame(frame_of(found, by), kind, target, width=out.width)
    if note:
        err.print(note, style="dim")


@contextmanager
def _snapshot() -> Iterator[tuple[duckdb.DuckDBPyConnection, SnapshotInfo, Contracts]]:
    from lake.settings import get_settings
    from lake.snapshot import Snapshot
    from metrics import load_contracts

    snapshot = Snapshot.open(get_settings())
    with snapshot.cursor() as cursor:
        yield cursor, snapshot.info, load_contracts().as_published(snapshot.info.protect)


def _slice(info: SnapshotInfo, since: date | None, until: date | None, last: int, where: tuple[str, ...]) -> Slice:
    from lake.errors import QueryError
    from metrics import Slice

    end = until or info.data_to
    if end is None:
        raise QueryError("The published snapshot holds no data", action="land, build and publish first")
    filters: dict[str, tuple[str, ...]] = {}
    for text in where:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise QueryError("A filter is not clear", found=text, expected="dimension=value, as market=FR")
        filters[name] = (*filters.get(name, ()), value)
    return Slice(since or end - timedelta(max(1, last) - 1), end, filters)


def _refuse_strange_values(cursor: duckdb.DuckDBPyConnection, slice_: Slice) -> None:
    """Of a value that is not published nobody is told whether it was folded or never there."""
    from lake.errors import QueryError
    from metrics import dimension_values
    from metrics.folding import OTHER

    for name, values in slice_.filters.items():
        known = dimension_values(cursor, name)
        for value in values:
            if value not in known:
                near = known if len(known) <= _LISTED else get_close_matches(value, known, n=5)
                raise QueryError(
                    f"No such value of {name}",
                    found=value,
                    expected=", ".join(near) or f"one of {len(known)}",
                    action=f"values of too few vehicles are published as {OTHER}",
                )


def _before(now: Slice, compare: Compare | None) -> Slice | None:
    from metrics import Slice

    if compare is None:
        return None
    shift = timedelta(_YEAR_DAYS)
    return now.before() if compare == "previous" else Slice(now.first - shift, now.last - shift, now.filters)


def _list(family: str | None) -> None:
    from lake.errors import QueryError
    from metrics import load_contracts

    tables = load_contracts().tables
    families = tuple(dict.fromkeys(table.family for table in tables))
    if family and family not in families:
        raise QueryError("No such family of metrics", found=family, expected=", ".join(families))
    for one in families:
        rows = [(m.name, m.label, m.unit, m.kind) for t in tables if t.family == one for m in t.metrics]
        if family in (None, one):
            grid(one.capitalize(), ("metric", "is", "unit", "kind"), rows)


def _explain(names: tuple[str, ...]) -> None:
    from metrics import load_contracts

    contracts = load_contracts()
    for name in names:
        one = contracts.metric(name)
        table = contracts.table(one.table)
        lines = [
            ("", one.definition), ("unit", one.unit), ("value", one.formula), ("interval", one.interval_name),
            ("over time", one.over_time), ("withheld", f"below {one.smallest_group} vehicles"), ("owner", one.owner),
            ("split by", ", ".join(table.dimension_names)), ("table", f"{table.table}: {table.description}"),
            ("reads", ", ".join(table.inputs)),
        ]  # fmt: skip
        out.print(f"[bold]{one.label}[/] ({name})", highlight=False)
        for label, text in lines:
            out.print(f"  [dim]{label}[/] " if label else "  ", end="", highlight=False)
            out.print(text, markup=False, highlight=False, soft_wrap=True)
        out.print(f"\n{table.sql}", markup=False, highlight=False, soft_wrap=True)


def _show(found: Evaluation, now: Slice, before: Slice | None, info: SnapshotInfo) -> None:
    from metrics import load_contracts

    contracts = load_contracts()
    columns = ["metric", *(("period",) if any(v.period for v in found) else ()), *found.by, "value", "95% interval"]
    columns += [*(("before", "change") if before else ()), "n of N"]
    rows = []
    for value in found:
        one = contracts.metric(value.metric)
        row = [one.label, *((str(value.period),) if value.period else ()), *value.group, _amount(one, value)]
        row.append(_interval(one, value))
        if before:
            then = value.previous
            row += [_amount(one, then) if then else "no data", _change(one, value.change)]
        row.append(value.population.text if value.population else "")
        rows.append(tuple(row))
    grid(f"{now.first} to {now.last}, UTC days{_filters(now)}", tuple(columns), rows)
    late = f" · {_provisional(info, now.last)}" if info.is_provisional(now.last) else ""
    out.print(f"\nPublished {info.published_at:%Y-%m-%d %H:%M} UTC{late}", style="dim", highlight=False)
    _tell_noise(info)


def _show_ranks(one: Metric, found: Sequence[Ranked], by: str, now: Slice, info: SnapshotInfo) -> None:
    columns = ("place", "surely", by, "value", "95% interval", "at the mix of all", "gap to all", "of it mix", "rate")
    rows = [
        (
            str(r.rank), r.places, *r.value.group, _amount(one, r.value), _interval(one, r.value),
            "" if r.at_mix is None else _amount(one, r.at_mix),
            *(_change(one, part) for part in (r.gap, r.mix, r.rate)),
        )
        for r in found
    ]  # fmt: skip
    grid(f"{one.label}, {now.first} to {now.last}, UTC days{_filters(now)}", columns, rows)
    late = f" · {_provisional(info, now.last)}" if info.is_provisional(now.last) else ""
    out.print(f"\nAll places hold together at 95%. Published {info.published_at:%Y-%m-%d %H:%M} UTC{late}", style="dim",
              highlight=False)  # fmt: skip
    _tell_noise(info)


def _tell_noise(info: SnapshotInfo) -> None:
    from metrics.protection import NOISE, SHARE

    if info.protect == "cells":
        text = (
            f"To protect single vehicles counts are up to {NOISE} off, amounts up to {SHARE:.0%} of one vehicle's, and "
            "one filter at most may hold several values."
        )
        out.print(text, style="dim", highlight=False)


def _provisional(info: SnapshotInfo, last: date) -> str:
    day = min(last, info.data_to or last)
    share = info.still_expected(day)
    told = "late data is" if share is None else f"of the messages of {day}, {100 * share:.2g}% are"
    return f"provisional from {info.provisional_from}: {told} still expected"


def _interval(one: Metric, value: MetricValue) -> str:
    if value.low is None or value.high is None:
        return ""
    return f"{one.format.text(value.low)} to {one.format.text(value.high)}"


def _filters(slice_: Slice) -> str:
    return "".join(f", {name} {' or '.join(values)}" for name, values in slice_.filters.items())


def _amount(one: Metric, value: MetricValue) -> str:
    if value.value is None:
        few = f"withheld: fewer than {one.smallest_group} vehicles, or needed to hide a group that has"
        return few if value.suppressed else "no data"
    mark = " (mostly one vehicle)" if value.dominated else ""
    return f"{one.format.text(value.value)} {one.unit}{mark}"


def _change(one: Metric, change: float | None) -> str:
    return "" if change is None else f"{'+' if change > 0 else ''}{one.format.text(change)} {one.difference_unit}"


def _tell(one: Metric, found: Why, now: Slice, before: Slice) -> None:
    then = found.value.previous
    out.print(f"[bold]{one.label}[/], {now.first} to {now.last}{_filters(now)}", highlight=False)
    if then is None or found.value.change is None:
        out.print(f"{_amount(one, found.value)}; there is nothing to compare with in {before.first} to {before.last}.")
        return
    out.print(
        f"{_amount(one, found.value)} after {_amount(one, then)} in {before.first} to {before.last}: "
        f"{_change(one, found.value.change)}",
        highlight=False,
    )
    days = now.days if one.is_total and one.over_time == "sum" else 1
    rows = [
        (
            split.dimension,
            *(_change(one, days * part) for part in (split.size, split.mix, split.rate)),
            ", ".join(
                f"{effect.value or 'withheld'} {_change(one, days * (effect.mix + effect.rate))}"
                for effect in split.effects[:_EFFECTS]
            ),
        )
        for split in found.splits
    ]
    grid("The change by dimension", ("by", "size", "mix", "rate", "most by mix and rate"), rows)
    out.print()
    if not found.segments:
        out.print(f"None of {found.looked_at:,} segments stands out beyond chance.", highlight=False)
    for segment in found.segments:
        out.print(_sentence(one, found, segment, days), markup=False, highlight=False, soft_wrap=True)


def _sentence(one: Metric, found: Why, segment: Segment, days: int) -> str:
    named = " and ".join(f"{dimension} {value}" for dimension, value in segment.where)
    assert found.value.change is not None
    share = 100 * days * segment.explained / found.value.change
    then = segment.value.previous
    before = _amount(one, then) if then is not None else "no data"
    return (
        f"{named}: {_amount(one, segment.value)} after {before}; explains {share:.0f}% of the change "
        f"with {100 * segment.weight:.0f}% of the platform ({abs(segment.z):.1f} standard errors)."
    )
