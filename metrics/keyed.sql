-- The rows of one KPI table by a further key, once for each split that they belong to. Filled in by metrics.cells.
keyed_{number} as (
    select date, key, {grouping_set} as grouping_set, {dimension_columns} {part_sums}
    from (select *, "{key}" as key from {table}) as kpi
    {where}
    {group_by}
),

rows_{number} as (
    select splits.split, splits.unit, periods.period, periods.newest, periods.days, keyed.*
    from keyed_{number} as keyed
    inner join splits
        on keyed.grouping_set = splits.grouping_set and keyed.date between splits.first_day and splits.last_day
    inner join periods on splits.split = periods.split and {period} = periods.period
)
