-- The cells of one KPI table, judged for suppression: a row per split, period and group. Filled in by metrics.cells.
-- fine: sums per day and group, for every set of dimensions that is asked for. daily: these, with the vehicles of a group
-- as size_<part>: where one vehicle may stand in several values of a dimension, no more than in one of them. asked: these, once for each split that
-- they belong to. For the rule of suppression, of each part that values rest on: most_<part> on the largest day and
-- newest_<part> on the newest; and for each dimension, of the groups that differ in it alone, cover_<size>: where the
-- small ones among them are too small together, the next larger group, which is withheld to cover them.
with splits as (
    {splits}
),

fine as (
    select date, {grouping_set} as grouping_set, {dimension_columns} {overlapping} {part_sums}
    from {table} as kpi
    {where}
    {group_by}
),

daily as (
    select {folded}
),

asked as (
    select splits.split, {period} as period, daily.*
    from daily
    inner join splits
        on daily.grouping_set = splits.grouping_set and daily.date between splits.first_day and splits.last_day
),

periods as (
    select split, period, max(date) as newest, count(distinct date) as days
    from asked
    group by split, period
),

groups as (
    select
        asked.split, asked.period, periods.newest, periods.days, {dimensions}
        {sums}
    from asked inner join periods on asked.split = periods.split and asked.period = periods.period
    group by all
),

judged as (
    select groups.*, {withheld} from groups {covers}
)
