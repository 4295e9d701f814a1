-- The cells of one KPI table, judged for suppression: a row per split, period and group. Filled in by metrics.cells.
-- fine: sums per day and group, for every set of dimensions that is asked for. asked: these, once for each split that they
-- belong to. grouped: their sums per period. groups: where one vehicle may stand in several values of a dimension, grouped
-- is by these too, and a group is taken to have no more vehicles than with one of them.
-- For the rule of suppression, of each part that values rest on: most_<part> on the largest day, latest_<part> on the
-- newest and together_<part> on all; and for each dimension, of the groups that differ in it alone, cover_<size>: where the
-- small ones among them are too small together, the next larger group, which is withheld to cover them. What a filter
-- leaves out is such a group too: outside is the dimension of the filter, '' of what is asked for. single_<dimension>: of a
-- filter of several values, whether one of them alone is small: with and without it, two questions would tell of it.
with splits as (
    {splits}
),

fine as (
    select date, {grouping_set} as grouping_set, {dimension_columns} {tags} {part_sums}
    from {source} as kpi
    {where}
    {group_by}
),

asked as (
    select splits.split, {period} as period, fine.*
    from fine
    inner join splits
        on fine.grouping_set = splits.grouping_set and fine.date between splits.first_day and splits.last_day
),

periods as (
    select split, period, max(date) as newest, count(distinct date) as days
    from asked
    {inside}
    group by split, period
),

grouped as (
    select
        asked.split, asked.period, periods.newest, periods.days, {dimensions} {tags}
        {sums}
    from asked inner join periods on asked.split = periods.split and asked.period = periods.period
    group by all
),

groups as (
    select {groups}
),

{singles}
judged as (
    select groups.* {told}, {withheld} from groups {covers} {inside}
)
