-- The cells of one KPI table, judged for suppression: a row per split, period and group. Filled in by metrics.cells.
-- daily: sums per day and group, for every set of dimensions that is asked for. asked: these, once for each split that
-- they belong to. For the rule of suppression, of each part that values rest on: most_<part> on the largest day,
-- newest_<part> on the newest, and before_<size>_<dimension>, that of all smaller groups beside this one along that
-- dimension.
with splits as (
    {splits}
),

daily as (
    select date, {grouping_set} as grouping_set, {dimension_columns} {part_sums}
    from {table} as kpi
    {where}
    {group_by}
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

siblings as (
    select * {before} from groups
),

judged as (
    select *, {withheld} from siblings
)
